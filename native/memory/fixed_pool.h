// A pool of blocks of one size: what it is for is speed, so it trusts its caller. CheckedPool keeps
// a record of every block, SharedPool is for threads.
#pragma once

#include <memory>

#include "memory/block_supply.h"

namespace hyperion {

// Blocks themselves are never written or read. Usage, peak, count and limit are exact at all times.
class FixedPool final : public MemoryResource {
 public:
  // The whole size is taken from the upstream at once. INVALID, or the upstream's refusal.
  // REQUIRES: upstream outlives the pool.
  static Result<std::unique_ptr<FixedPool>> create(MemoryResource& upstream,
                                                   const PoolConfig& config);

  // The same as allocate() and free() of a whole block, for those who know the class: null when all
  // blocks are in use.
  std::byte* allocate_block() {
    if (blocks_.none_returned()) [[unlikely]]
      return allocate_fresh();
    ++allocations_;
    return blocks_.pop().block;
  }
  // REQUIRES: the block is live.
  void free_block(std::byte* block) { blocks_.push({block}); }

  // Refuses what is larger than a block, or aligned to more than the block size's power of two.
  std::byte* allocate(const Request& request) override;
  FreeResult free(std::byte* block, const Request& request) override;
  Status refusal(const Request& request) const override { return chunks().refusal(request); }
  // Blocks of allocate_block() count as requested whole.
  Usage usage() const override;
  // The youngest chunks that hold no live block; the first block after that may need the upstream.
  uint64_t trim() override { return blocks_.trim(); }
  void reset() override;

  uint64_t block_size() const { return chunks().block_size(); }
  // Since the pool was made: blocks handed out, and the most that were live at one time.
  uint64_t allocations() const { return allocations_; }
  uint64_t peak_blocks() const { return blocks_.peak(); }

 private:
  struct Entry {
    std::byte* block;
  };

  FixedPool(MemoryResource& upstream, const PoolConfig& config) : blocks_(upstream, config) {}
  std::byte* allocate_fresh();
  const PoolChunks& chunks() const { return blocks_.chunks(); }

  BlockSupply<Entry> blocks_;
  uint64_t allocations_ = 0;
  uint64_t padding_ = 0;  // of the live blocks: what they hold beyond what was asked for
};

}  // namespace hyperion
