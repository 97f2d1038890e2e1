// Blocks in pools of equal sizes: whatever the order of frees, a block's room serves the next block
// of its class, so nothing is ever fragmented by a neighbour; the price is padding up to the class.
#pragma once

#include <deque>
#include <memory>

#include "memory/pool_classes.h"
#include "memory/pool_space.h"
#include "memory/resource.h"
#include "memory/slabs.h"

namespace hyperion {

inline constexpr uint64_t kLargestPooled = 1ull << 30;

struct PooledConfig {
  uint64_t block_size = 4096;  // the smallest class, in bytes: a multiple of 16
  uint64_t initial_pool_size =
      0;  // bytes taken at the start and kept; slabs lie there while they fit
};

// What has no class is a run of pages: more than kLargestPooled bytes, alignments larger than a
// page or ones that no class near in size is a multiple of. A block that is freed twice or was
// never handed out is refused while its slab is there. allocate() takes constant time and free()
// time logarithmic in the class's slabs, apart from taking slabs and giving them back.
class Pooled final : public MemoryResource {
 public:
  // Fails with the upstream's refusal of the initial pool.
  // REQUIRES: block_size is a positive multiple of 16, at most kLargestPooled; initial_pool_size <=
  // kLargestBlock; the upstream outlives the pools.
  static Result<std::unique_ptr<Pooled>> create(const PooledConfig& config,
                                                MemoryResource& upstream);

  // Empty slabs that wait for their next block go back before anything is refused.
  std::byte* allocate(const Request& request) override;
  FreeResult free(std::byte* block, const Request& request) override;
  // The upstream's, of the slab or pages that would be asked of it.
  Status refusal(const Request& request) const override;
  Usage usage() const override;
  uint64_t trim() override;
  void reset() override;

 private:
  Pooled(uint64_t block_size, std::unique_ptr<PoolSpace> space);

  Slabs* pool_for(const Request& request);
  const Slabs* pool_for(const Request& request) const;
  std::byte* try_allocate(const Request& request);

  const PoolClasses classes_;
  std::unique_ptr<PoolSpace> space_;
  std::deque<Slabs> pools_;  // by class
  uint64_t requested_ = 0;   // by blocks of the pools
};

// An upper bound of the bytes that `count` live blocks of `bytes` at page alignment take from the
// upstream beyond the initial pool. It never falls as blocks grow, so that where a long sequence fits
// its beginning does too. REQUIRES: bytes > 0; the result is representable.
uint64_t pooled_footprint(const PooledConfig& config, uint64_t bytes, uint64_t count);

}  // namespace hyperion
