// What the store does, for people to read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hyperion {

enum class LayerState { unloaded, prefetching, loading, loaded, unloading, error };

struct LayerReport {
  LayerState state = LayerState::unloaded;
  uint64_t bytes = 0;           // of all its parts' regions
  uint64_t resident_bytes = 0;  // of those that are there
  uint64_t kept_bytes = 0;      // of those that were chosen to stay from pass to pass
  uint64_t pins = 0;
  uint64_t loads = 0;   // of parts
  double load_ms = 0;   // the last load of each part, together
  double priority = 0;  // the highest of its parts
};

struct StoreReport {
  std::vector<LayerReport> layers;
  uint64_t room = 0;          // of the budget for weights, as residents were chosen; 0 before that
  uint64_t needed = 0;        // for every part that passes visit
  uint64_t ring_bytes = 0;    // that streamed parts pass through
  uint64_t largest_part = 0;  // bytes, of those that passes visit
  size_t window = 0;          // parts read ahead at most
  size_t parts = 0;
};

}  // namespace hyperion
