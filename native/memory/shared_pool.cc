#include "memory/shared_pool.h"

#include <atomic>
#include <mutex>
#include <utility>

namespace hyperion {
namespace {

// Counts threads as they come; no two of the first 16 share a shelf.
size_t number_of_this_thread() {
  static std::atomic<size_t> threads = 0;
  thread_local size_t number = 0;
  if (number == 0) [[unlikely]]
    number = threads.fetch_add(1, std::memory_order_relaxed) + 1;
  return number;
}

}  // namespace

class SharedPool::Everything {
 public:
  explicit Everything(const SharedPool& pool) : pool_(pool) {
    for (const Shelf& shelf : pool_.shelves_) shelf.lock.lock();
    pool_.depot_.lock();
  }
  ~Everything() {
    pool_.depot_.unlock();
    for (const Shelf& shelf : pool_.shelves_) shelf.lock.unlock();
  }
  Everything(const Everything&) = delete;
  Everything& operator=(const Everything&) = delete;

 private:
  const SharedPool& pool_;
};

Result<std::unique_ptr<SharedPool>> SharedPool::create(MemoryResource& upstream,
                                                       const PoolConfig& config) {
  if (Status status = PoolChunks::check(config); !status.ok()) return status;
  std::unique_ptr<SharedPool> pool(new SharedPool(upstream, config));
  if (!pool->grow()) return pool->refusal({.bytes = config.block_size});
  return pool;
}

std::byte* SharedPool::allocate_block(uint64_t bytes, uint16_t tag) {
  const size_t number = shelf_of_this_thread();
  Shelf& shelf = shelves_[number];
  {
    const std::lock_guard lock(shelf.lock);
    if (shelf.held == 0) [[unlikely]]
      refill(shelf);
    if (shelf.held > 0) [[likely]] {
      return hand_out(number, shelf.blocks[--shelf.held], bytes, tag);
    }
  }
  return allocate_from_anywhere(number, bytes, tag);
}

FreeResult SharedPool::free_block(std::byte* block) {
  Shelf& shelf = shelves_[shelf_of_this_thread()];
  const std::lock_guard lock(shelf.lock);
  const uint64_t index = supply_.chunks().index_of(block);
  if (index == kNoBlock) return FreeResult::foreign;
  BlockRecord& record = records_[index];
  if (__atomic_exchange_n(&record.sequence, 0, __ATOMIC_ACQ_REL) == 0) [[unlikely]] {
    const std::lock_guard depot(depot_);
    return supply_.was_handed_out(index) ? FreeResult::freed_before : FreeResult::foreign;
  }
  --shelf.live;
  shelf.requested -= static_cast<int64_t>(record.bytes);
  if (shelf.held == kShelfBlocks) [[unlikely]]
    spill(shelf);
  shelf.blocks[shelf.held++] = block;
  return FreeResult::freed;
}

std::byte* SharedPool::allocate(const Request& request) {
  if (!supply_.chunks().fits(request)) return nullptr;
  return allocate_block(request.bytes, request.tag);
}

Status SharedPool::refusal(const Request& request) const {
  const Everything held(*this);
  return supply_.chunks().refusal(request);
}

Usage SharedPool::usage() const {
  const Everything held(*this);
  int64_t live = 0;
  int64_t requested = 0;
  for (const Shelf& shelf : shelves_) {
    live += shelf.live;
    requested += shelf.requested;
  }
  const PoolChunks& chunks = supply_.chunks();
  const auto blocks = static_cast<uint64_t>(live);
  return {.reserved = chunks.blocks() * chunks.block_size(),
          .active = blocks * chunks.block_size(),
          .requested = static_cast<uint64_t>(requested),
          .largest_free = blocks < chunks.blocks() ? chunks.block_size() : 0,
          .blocks = blocks};
}

uint64_t SharedPool::trim() {
  const Everything held(*this);
  for (Shelf& shelf : shelves_) {
    while (shelf.held > 0) supply_.push({shelf.blocks[--shelf.held]});
  }
  return supply_.trim();
}

void SharedPool::reset() {
  const Everything held(*this);
  for (Shelf& shelf : shelves_) shelf.held = shelf.live = shelf.requested = 0;
  supply_.reset();
  records_.clear();
}

std::vector<LiveBlock> SharedPool::live() const {
  const Everything held(*this);
  return records_.live(supply_.chunks());
}

uint64_t SharedPool::allocations() const {
  const Everything held(*this);
  uint64_t count = 0;
  for (const Shelf& shelf : shelves_) count += shelf.allocations;
  return count;
}

uint64_t SharedPool::capacity() const {
  const std::lock_guard lock(depot_);
  return supply_.chunks().blocks();
}

uint64_t SharedPool::peak_blocks() const {
  const std::lock_guard lock(depot_);
  return supply_.peak();
}

size_t SharedPool::shelf_of_this_thread() const {
  return number_of_this_thread() % kShelves;
}

// REQUIRES: the shelf's lock is held.
std::byte* SharedPool::hand_out(size_t number, std::byte* block, uint64_t bytes, uint16_t tag) {
  Shelf& shelf = shelves_[number];
  BlockRecord& record = records_[supply_.chunks().index_of(block)];
  record.bytes = bytes;
  record.tag = tag;
  const uint64_t sequence = ++shelf.allocations * kShelves + number;
  __atomic_store_n(&record.sequence, sequence, __ATOMIC_RELEASE);
  ++shelf.live;
  shelf.requested += static_cast<int64_t>(bytes);
  return block;
}

// Null when it is empty. REQUIRES: the depot's lock is held.
std::byte* SharedPool::take_from_depot() {
  if (!supply_.none_returned()) return supply_.pop().block;
  return supply_.none_fresh() ? nullptr : supply_.chunks().at(supply_.take_fresh());
}

void SharedPool::refill(Shelf& shelf) {
  const std::lock_guard lock(depot_);
  while (shelf.held < kBatch) {
    std::byte* block = take_from_depot();
    if (block == nullptr) return;
    shelf.blocks[shelf.held++] = block;
  }
}

void SharedPool::spill(Shelf& shelf) {
  const std::lock_guard lock(depot_);
  while (shelf.held > kBatch) supply_.push({shelf.blocks[--shelf.held]});
}

std::byte* SharedPool::allocate_from_anywhere(size_t number, uint64_t bytes, uint16_t tag) {
  const Everything held(*this);
  for (Shelf& shelf : shelves_) {
    if (shelf.held > 0) return hand_out(number, shelf.blocks[--shelf.held], bytes, tag);
  }
  std::byte* block = take_from_depot();
  if (block == nullptr && grow()) block = take_from_depot();
  return block == nullptr ? nullptr : hand_out(number, block, bytes, tag);
}

bool SharedPool::grow() {
  if (!supply_.grow()) return false;
  if (records_.grow(supply_.chunks().blocks())) return true;
  supply_.trim();
  return false;
}

}  // namespace hyperion
