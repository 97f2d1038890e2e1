// What attention works in besides the cache: scores of each thread, and the addresses of the blocks
// by KV head.
#pragma once

#include <cstdint>
#include <vector>

#include "inference/kv_cache.h"
#include "memory/region.h"
#include "scheduling/layouts.h"

namespace hyperion {

class AttentionScratch {
 public:
  // REQUIRES: graph and memory outlive this.
  AttentionScratch(const Graph& graph, uint64_t threads, EngineMemory& memory)
      : graph_(graph), threads_(threads), memory_(memory), layout_(graph, threads, 0) {}

  // Makes room for exactly these sequences.
  Status resize(const Extent& extent);

  void free();
  bool has_size(const Extent& extent) const {
    return layout_ == AttentionLayout(graph_, threads_, extent);
  }

  // Notes where the blocks of one cached layer are, for heads of `head_dim` floats.
  void point_at(KvCache& cache, uint64_t layer, uint64_t kv_heads, uint64_t head_dim);

  // Block addresses noted for one KV head of a sequence.
  const void* const* keys(size_t sequence, uint64_t kv_head) const {
    return addresses(2 * kv_head) + first_[sequence];
  }
  const void* const* values(size_t sequence, uint64_t kv_head) const {
    return addresses(2 * kv_head + 1) + first_[sequence];
  }

  // Room for the scores of the longest sequence, for one thread.
  float* scores(uint64_t thread) const;

 private:
  const void** addresses(uint64_t row) const;

  const Graph& graph_;
  const uint64_t threads_;
  EngineMemory& memory_;
  AttentionLayout layout_;
  std::vector<uint64_t> first_;  // blocks of the sequences before each
  Region region_;
};

}  // namespace hyperion
