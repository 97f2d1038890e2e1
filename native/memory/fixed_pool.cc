#include "memory/fixed_pool.h"

namespace hyperion {

Result<std::unique_ptr<FixedPool>> FixedPool::create(MemoryResource& upstream,
                                                     const PoolConfig& config) {
  if (Status status = PoolChunks::check(config); !status.ok()) return status;
  std::unique_ptr<FixedPool> pool(new FixedPool(upstream, config));
  if (!pool->blocks_.grow()) return pool->refusal({.bytes = config.block_size});
  return pool;
}

std::byte* FixedPool::allocate(const Request& request) {
  if (!chunks().fits(request)) return nullptr;
  std::byte* block = allocate_block();
  if (block != nullptr) padding_ += block_size() - request.bytes;
  return block;
}

FreeResult FixedPool::free(std::byte* block, const Request& request) {
  padding_ -= block_size() - request.bytes;
  free_block(block);
  return FreeResult::freed;
}

Usage FixedPool::usage() const {
  Usage usage = blocks_.usage();
  usage.requested -= padding_;
  return usage;
}

void FixedPool::reset() {
  blocks_.reset();
  padding_ = 0;
}

[[gnu::cold]] std::byte* FixedPool::allocate_fresh() {
  if (blocks_.none_fresh() && !blocks_.grow()) return nullptr;
  ++allocations_;
  return chunks().at(blocks_.take_fresh());
}

}  // namespace hyperion
