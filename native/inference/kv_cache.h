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
  KvCache(const Graph& graph, KvType type, EngineMemory& memory)
      : layout_(graph, type), memory_(memory) {}

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

  const KvLayout& layout() const { return layout_; }

  // Where the rows of a position begin, head by head. REQUIRES: the sequence was resized to more
  // positions than `position`.
  std::byte* key(size_t sequence, uint64_t layer, uint64_t position);
  std::byte* value(size_t sequence, uint64_t layer, uint64_t position);

  // Writes `heads` heads of `head_dim` floats to such a place, in the type of the cache.
  void write(std::byte* row, const float* numbers, uint64_t heads, uint64_t head_dim) const;

 private:
  struct Block {
    Region region;
    size_t sequence;
  };

  std::byte* row(size_t sequence, uint64_t position, uint64_t layer_offset);
  void free_last_of(size_t sequence);

  const KvLayout layout_;
  EngineMemory& memory_;
  std::vector<Block> blocks_;                   // in the order in which they were allocated
  std::vector<std::vector<size_t>> sequences_;  // of each sequence the indices of its blocks
};

}  // namespace hyperion
