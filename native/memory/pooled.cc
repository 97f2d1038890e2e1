#include "memory/pooled.h"

#include <algorithm>
#include <utility>

#include "base/checked.h"
#include "platform/pages.h"

namespace hyperion {

Result<std::unique_ptr<Pooled>> Pooled::create(const PooledConfig& config,
                                               MemoryResource& upstream) {
  auto space = PoolSpace::create(upstream, config.initial_pool_size);
  if (!space.ok()) return space.status();
  return std::unique_ptr<Pooled>(new Pooled(config.block_size, std::move(space.value())));
}

Pooled::Pooled(uint64_t block_size, std::unique_ptr<PoolSpace> space)
    : classes_(block_size, kLargestPooled), space_(std::move(space)) {
  for (size_t i = 0; i < classes_.count(); ++i) pools_.emplace_back(classes_.bytes(i), *space_);
}

std::byte* Pooled::allocate(const Request& request) {
  std::byte* block = try_allocate(request);
  if (block == nullptr && trim() > 0) block = try_allocate(request);
  return block;
}

std::byte* Pooled::try_allocate(const Request& request) {
  Slabs* pool = pool_for(request);
  if (pool == nullptr) return space_->allocate(request);
  std::byte* block = pool->allocate();
  if (block != nullptr) requested_ += request.bytes;
  return block;
}

FreeResult Pooled::free(std::byte* block, const Request& request) {
  Slabs* pool = pool_for(request);
  if (pool == nullptr) return space_->free(block, request);
  const FreeResult result = pool->free(block);
  if (result == FreeResult::freed) requested_ -= request.bytes;
  return result;
}

Status Pooled::refusal(const Request& request) const {
  const Slabs* pool = pool_for(request);
  return space_->refusal(pool == nullptr ? request : pool->slab_request());
}

Usage Pooled::usage() const {
  const Usage space = space_->usage();
  Usage usage = {space.reserved, space.active, space.requested, 0, space.blocks};
  for (const Slabs& pool : pools_) {
    const SlabLayout& layout = pool.layout();
    const uint64_t slabs = pool.reserved() / layout.slab_bytes;
    // What the space handed out as slabs is handed out from here only as far as blocks are live.
    usage.active -= pool.reserved();
    usage.active += pool.live() * layout.block_bytes;
    usage.requested -= pool.reserved();
    usage.blocks += pool.live();
    usage.blocks -= slabs;
    if (pool.has_room() || layout.slab_bytes <= space.largest_free) {
      usage.largest_free = layout.block_bytes;
    }
  }
  if (space.largest_free > kLargestPooled) usage.largest_free = space.largest_free;
  usage.requested += requested_;
  return usage;
}

uint64_t Pooled::trim() {
  const uint64_t before = space_->usage().reserved;
  for (Slabs& pool : pools_) pool.trim();
  return before - space_->usage().reserved;
}

void Pooled::reset() {
  for (Slabs& pool : pools_) pool.reset();
  space_->reset();
  requested_ = 0;
}

Slabs* Pooled::pool_for(const Request& request) {
  return const_cast<Slabs*>(std::as_const(*this).pool_for(request));
}

const Slabs* Pooled::pool_for(const Request& request) const {
  if (request.alignment > kPageSize) return nullptr;
  const size_t index = classes_.index_for(request.bytes, request.alignment);
  return index == classes_.count() ? nullptr : &pools_[index];
}

uint64_t pooled_footprint(const PooledConfig& config, uint64_t bytes, uint64_t count) {
  const PoolClasses classes(config.block_size, kLargestPooled);
  const size_t index = classes.index_for(bytes, kPageSize);
  if (index == classes.count()) return count * round_up(bytes, kPageSize);
  const SlabLayout layout(classes.bytes(index));
  // Blocks that share slabs have one more kept for them, which can be more than a larger block takes.
  const uint64_t shared = divide_up(count, std::max<uint64_t>(layout.blocks, 2)) + 1;
  const uint64_t alone = layout.blocks > 1 ? 0 : count * layout.slab_bytes;
  return std::max(shared * kSlabBytes, alone);
}

}  // namespace hyperion
