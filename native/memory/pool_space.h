// Whole pages from a region that is taken once and kept, and from the upstream when that is full.
// Runs are few and large here (slabs), so free room is an ordered map, searched from the lowest
// address.
#pragma once

#include <map>
#include <memory>

#include "memory/resource.h"

namespace hyperion {

class PoolSpace final : public MemoryResource {
 public:
  // Takes `bytes`, rounded up to pages, from the upstream (0: takes nothing); fails with the
  // upstream's refusal. REQUIRES: bytes <= kLargestBlock; the upstream outlives the space.
  static Result<std::unique_ptr<PoolSpace>> create(MemoryResource& upstream, uint64_t bytes);
  ~PoolSpace() override;

  // Of the initial region as long as the alignment is at most a page.
  std::byte* allocate(const Request& request) override;
  // Foreign blocks are refused.
  FreeResult free(std::byte* block, const Request& request) override;
  // The upstream's, of the pages that would be asked of it.
  Status refusal(const Request& request) const override;
  Usage usage() const override;
  // Nothing: the initial region is kept, and no other page is without a block.
  uint64_t trim() override { return 0; }
  void reset() override;

 private:
  PoolSpace(MemoryResource& upstream, std::byte* base, uint64_t capacity);

  std::byte* carve(uint64_t bytes);
  void restore(std::byte* block, uint64_t bytes);

  MemoryResource& upstream_;
  std::byte* const base_;
  const uint64_t capacity_;
  std::map<std::byte*, uint64_t> free_;  // bytes by address, no two adjacent
  std::map<std::byte*, Request> live_;   // what was asked of this
  uint64_t beyond_ = 0;                  // bytes held from the upstream beside the region
  uint64_t active_ = 0;
  uint64_t requested_ = 0;
};

}  // namespace hyperion
