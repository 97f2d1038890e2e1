// What the engine's bytes are for. Every data byte carries one tag; the API shows them by these
// names.
#pragma once

#include <array>
#include <cstddef>

namespace hyperion {

enum class Tag { weights, staging, activations, kv_cache, scratch };

inline constexpr size_t kTagCount = 5;
inline constexpr std::array<const char*, kTagCount> kTagNames = {
    "weights", "staging", "activations", "kv-cache", "scratch"};

constexpr size_t index_of(Tag tag) {
  return static_cast<size_t>(tag);
}

}  // namespace hyperion
