// Keys and values of the tokens seen so far, in blocks of positions that are charged as the
// sequence grows.
#pragma once

#include <cstdint>
#include <vector>

#include "memory/region.h"
#include "scheduling/layouts.h"

namespace hyperion {

class KvCache {
 public:
  // REQUIRES: the memory outlives the cache.
  KvCache(const Graph& graph, EngineMemory& memory) : layout_(graph), memory_(memory) {}

  // Keeps exactly the blocks that `positions` need; those kept are unchanged. OVER_BUDGET or
  // OUT_OF_MEMORY; blocks added before it stay.
  Status resize(uint64_t positions);

  // Frees all blocks.
  void clear() { blocks_.clear(); }

  uint64_t blocks() const { return blocks_.size(); }

  // Rows of `width` floats. REQUIRES: the cache was resized to more positions than `position`.
  float* key(uint64_t layer, uint64_t position);
  float* value(uint64_t layer, uint64_t position);

 private:
  float* row(uint64_t position, uint64_t layer_offset);

  const KvLayout layout_;
  EngineMemory& memory_;
  std::vector<Region> blocks_;
};

}  // namespace hyperion
