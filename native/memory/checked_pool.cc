#include "memory/checked_pool.h"

namespace hyperion {

Result<std::unique_ptr<CheckedPool>> CheckedPool::create(MemoryResource& upstream,
                                                         const PoolConfig& config) {
  if (Status status = PoolChunks::check(config); !status.ok()) return status;
  std::unique_ptr<CheckedPool> pool(new CheckedPool(upstream, config));
  if (!pool->grow()) return pool->refusal({.bytes = config.block_size});
  return pool;
}

std::byte* CheckedPool::allocate(const Request& request) {
  return chunks().fits(request) ? allocate_block(request.bytes, request.tag) : nullptr;
}

Usage CheckedPool::usage() const {
  Usage usage = blocks_.usage();
  usage.requested = records_.requested();
  return usage;
}

uint64_t CheckedPool::trim() {
  const uint64_t bytes = blocks_.trim();
  if (bytes > 0) find_youngest_records();
  return bytes;
}

void CheckedPool::reset() {
  blocks_.reset();
  records_.clear();
}

// No entry of the supply points to a record when it grows: it has none.
bool CheckedPool::grow() {
  if (!blocks_.grow()) return false;
  if (!records_.grow(chunks().blocks())) {
    blocks_.trim();
    return false;
  }
  find_youngest_records();
  return true;
}

[[gnu::cold]] CheckedPool::Entry CheckedPool::fresh() {
  if (blocks_.none_fresh() && !grow()) return {nullptr, nullptr};
  const uint64_t index = blocks_.take_fresh();
  return {chunks().at(index), &records_[index]};
}

[[gnu::cold]] FreeResult CheckedPool::not_live(const std::byte* block) const {
  return blocks_.was_handed_out(chunks().index_of(block)) ? FreeResult::freed_before
                                                          : FreeResult::foreign;
}

}  // namespace hyperion
