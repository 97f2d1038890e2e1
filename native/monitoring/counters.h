// The byte counters of one session. They count data bytes in whole pages (weights, staging,
// activations, KV cache, scratch) as handed out, and what is reserved from the operating system for
// them; they leave out code, stacks, the C++ heap's bookkeeping and arrays that the caller hands
// in.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include "monitoring/tag.h"

namespace hyperion {

struct MemoryCounts {
  uint64_t current = 0;          // bytes handed out now
  uint64_t peak = 0;             // largest `current` so far
  uint64_t total_allocated = 0;  // bytes ever handed out, freed ones included
  uint64_t allocations = 0;      // how many times bytes were handed out
  uint64_t frees = 0;            // how many times they came back
  uint64_t reserved = 0;         // bytes held from the operating system now: what a budget bounds
  uint64_t reserved_peak = 0;    // largest `reserved` so far
  std::array<uint64_t, kTagCount> by_tag{};
  std::array<uint64_t, kTagCount> peak_by_tag{};  // each tag's own peak; they need not coincide
};

// Thread-safe. A snapshot is consistent: current is the sum of by_tag.
class Counters {
 public:
  void add(Tag tag, uint64_t bytes);
  // REQUIRES: `bytes` were added under this tag and not subtracted since.
  void subtract(Tag tag, uint64_t bytes);
  // Notes how many bytes are held from the operating system now.
  void hold(uint64_t reserved);
  MemoryCounts snapshot() const;

 private:
  mutable std::mutex mutex_;
  MemoryCounts counts_;
};

}  // namespace hyperion
