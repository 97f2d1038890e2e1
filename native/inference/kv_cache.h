// Keys and values of the tokens seen so far, in blocks of positions that are charged as sequences
// grow.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "memory/region.h"
#include "scheduling/layouts.h"

namespace hyperion {

class KvCache {
 public:
  // REQUIRES: the memory outlives the cache.
  KvCache(const Graph& graph, EngineMemory& memory) : layout_(graph), memory_(memory) {}

  // Keeps exactly the blocks that sequences of these lengths need; those kept are unchanged. What
  // shrinks does so before anything grows. OVER_BUDGET or OUT_OF_MEMORY; blocks added before it
  // stay.
  Status resize(std::span<const uint64_t> lengths);

  // Frees the blocks that sequences of these lengths do not need. Blocks may move.
  void shrink(std::span<const uint64_t> lengths);

  // Whether resize() would do nothing.
  bool has_size(std::span<const uint64_t> lengths) const;

  size_t sequences() const { return sequences_.size(); }
  uint64_t blocks(size_t sequence) const { return sequences_[sequence].size(); }

  // Rows of `width` floats. REQUIRES: the sequence was resized to more positions than `position`.
  float* key(size_t sequence, uint64_t layer, uint64_t position);
  float* value(size_t sequence, uint64_t layer, uint64_t position);

 private:
  struct Block {
    Region region;
    size_t sequence;
  };

  float* row(size_t sequence, uint64_t position, uint64_t layer_offset);
  void free_last_of(size_t sequence);

  const KvLayout layout_;
  EngineMemory& memory_;
  std::vector<Block> blocks_;                   // in the order in which they were allocated
  std::vector<std::vector<size_t>> sequences_;  // of each sequence the indices of its blocks
};

}  // namespace hyperion
