// A pool of blocks of one size that trusts nobody: it tells what came back twice, or never was its
// own, from what is live, and lists what was not given back.
#pragma once

#include <memory>
#include <vector>

#include "memory/block_records.h"
#include "memory/block_supply.h"

namespace hyperion {

// Blocks themselves are never written or read: a wild write into one breaks no bookkeeping. Usage,
// peak, count and limit are exact at all times.
class CheckedPool final : public MemoryResource {
 public:
  // The whole size is taken from the upstream at once. INVALID, or the upstream's refusal.
  // REQUIRES: upstream outlives the pool.
  static Result<std::unique_ptr<CheckedPool>> create(MemoryResource& upstream,
                                                     const PoolConfig& config);

  // The same as allocate() and free(), for those who know the class and ask for what fits: null
  // when all blocks are in use. REQUIRES: bytes <= block_size()
  std::byte* allocate_block(uint64_t bytes, uint16_t tag = 0) {
    const Entry entry = blocks_.none_returned() ? fresh() : blocks_.pop();
    if (entry.block == nullptr) [[unlikely]]
      return nullptr;
    *entry.record = {++allocations_, bytes, tag};
    return entry.block;
  }
  // Any address may be given.
  FreeResult free_block(std::byte* block) {
    uint64_t index = chunks().index_in_youngest(block);
    if (index >= chunks().blocks_of_youngest()) [[unlikely]] {
      index = chunks().index_of(block);
      if (index == kNoBlock) return FreeResult::foreign;
      index -= chunks().first_of_youngest();
    }
    BlockRecord& record = youngest_records_[static_cast<int64_t>(index)];
    if (record.sequence == 0) [[unlikely]]
      return not_live(block);
    record.sequence = 0;
    blocks_.push({block, &record});
    return FreeResult::freed;
  }

  // Refuses what is larger than a block, or aligned to more than the block size's power of two.
  std::byte* allocate(const Request& request) override;
  // Needs no request. A block that was never handed out is foreign.
  FreeResult free(std::byte* block, const Request&) override { return free_block(block); }
  Status refusal(const Request& request) const override { return chunks().refusal(request); }
  // Looks at the record of every block.
  Usage usage() const override;
  // The youngest chunks that hold no live block; the first block after that may need the upstream.
  uint64_t trim() override;
  void reset() override;

  // The live blocks, oldest first.
  std::vector<LiveBlock> live() const { return records_.live(chunks()); }

  uint64_t block_size() const { return chunks().block_size(); }
  uint64_t capacity() const { return chunks().blocks(); }  // blocks, live and free
  // Since the pool was made: blocks handed out, and the most that were live at one time.
  uint64_t allocations() const { return allocations_; }
  uint64_t peak_blocks() const { return blocks_.peak(); }

 private:
  // The address and the record of a block at once: working out one from the other would hold up
  // every allocation.
  struct Entry {
    std::byte* block;
    BlockRecord* record;
  };

  CheckedPool(MemoryResource& upstream, const PoolConfig& config) : blocks_(upstream, config) {}
  bool grow();
  void find_youngest_records() { youngest_records_ = &records_[chunks().first_of_youngest()]; }
  Entry fresh();
  [[gnu::pure]] FreeResult not_live(const std::byte* block) const;
  const PoolChunks& chunks() const { return blocks_.chunks(); }

  BlockSupply<Entry> blocks_;
  BlockRecords records_;
  BlockRecord* youngest_records_ = nullptr;  // of the youngest chunk's blocks
  uint64_t allocations_ = 0;
};

}  // namespace hyperion
