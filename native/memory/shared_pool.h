// A pool of blocks of one size for threads: each works on a shelf of free blocks of its own, and
// comes to the others' only when all else is used up. It checks and records as CheckedPool does.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "memory/block_records.h"
#include "memory/block_supply.h"
#include "memory/spin_lock.h"

namespace hyperion {

// Thread-safe. A block may be freed by any thread. Refuses only when every block was live at one
// moment: free blocks on the shelves of other threads, ended ones included, are found.
class SharedPool final : public MemoryResource {
 public:
  // The whole size is taken from the upstream at once. INVALID, or the upstream's refusal.
  // REQUIRES: upstream outlives the pool, and is used by nobody else meanwhile or thread-safe.
  static Result<std::unique_ptr<SharedPool>> create(MemoryResource& upstream,
                                                    const PoolConfig& config);

  // As in CheckedPool.
  std::byte* allocate_block(uint64_t bytes, uint16_t tag = 0);
  // Of two threads that free a block at once, one is told freed_before.
  FreeResult free_block(std::byte* block);

  std::byte* allocate(const Request& request) override;
  FreeResult free(std::byte* block, const Request&) override { return free_block(block); }
  Status refusal(const Request& request) const override;
  Usage usage() const override;
  uint64_t trim() override;
  void reset() override;

  // The live blocks, oldest first among those that one thread allocated; `sequence` says no more
  // than that order.
  std::vector<LiveBlock> live() const;

  uint64_t block_size() const { return supply_.chunks().block_size(); }
  uint64_t capacity() const;  // blocks, live and free
  // Blocks handed out since the pool was made.
  uint64_t allocations() const;
  // Blocks that were live or on a shelf at one time, at most: no less than the most that were live,
  // and more by no more than the shelves of the threads in use hold, kShelfBlocks each.
  uint64_t peak_blocks() const;

  static constexpr uint64_t kShelfBlocks = 64;

 private:
  // Threads take shelves in turn; more threads than shelves share them, which costs them time only.
  static constexpr size_t kShelves = 16;
  static constexpr uint64_t kBatch = kShelfBlocks / 2;

  struct Entry {
    std::byte* block;
  };

  // Aligned so that neighbours, and what the processor fetches beside them, stay apart.
  struct alignas(128) Shelf {
    mutable SpinLock lock;
    uint64_t held = 0;
    uint64_t allocations = 0;
    // By threads at this shelf; negative where they free what others allocated.
    int64_t live = 0;
    int64_t requested = 0;
    std::array<std::byte*, kShelfBlocks> blocks;
  };

  // Stops all threads: every shelf's lock in order, then the depot's.
  class Everything;

  SharedPool(MemoryResource& upstream, const PoolConfig& config) : supply_(upstream, config) {}
  size_t shelf_of_this_thread() const;
  std::byte* hand_out(size_t shelf, std::byte* block, uint64_t bytes, uint16_t tag);
  std::byte* take_from_depot();
  void refill(Shelf& shelf);
  void spill(Shelf& shelf);
  std::byte* allocate_from_anywhere(size_t shelf, uint64_t bytes, uint16_t tag);
  bool grow();

  std::array<Shelf, kShelves> shelves_;
  // Guards the supply; it grows under all locks, so that whoever holds one may look blocks up.
  mutable SpinLock depot_;
  BlockSupply<Entry> supply_;
  BlockRecords records_;
};

}  // namespace hyperion
