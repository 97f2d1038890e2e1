// Memory of a size fixed once and filled from both ends: lasting blocks from the low end, transient
// ones from the high end. Where a block lies follows from the requests alone, so an allocation
// costs the same always; the price is that room returns in reverse order.
#pragma once

#include <memory>

#include "memory/arena_end.h"
#include "memory/resource.h"

namespace hyperion {

// Keeps records of its blocks beside them: a foreign block or one freed before is refused. A block
// of room that was given up since counts as freed before. ENSURES: usage().active + holes() +
// usage().largest_free == capacity(), padding for alignment being part of the block that it was
// for. Blocks with alignments of at most a page lie where the requests say, whatever the address of
// the whole. allocate() takes constant time and free() amortized constant time.
class Arena final : public MemoryResource {
 public:
  // Takes the capacity, rounded up to pages, from the upstream; fails with the upstream's refusal.
  // REQUIRES: 0 < capacity <= kLargestBlock; the upstream outlives the arena.
  static Result<std::unique_ptr<Arena>> create(MemoryResource& upstream, uint64_t capacity);
  ~Arena() override;

  std::byte* allocate(const Request& request) override;
  FreeResult free(std::byte* block, const Request& request) override;
  // OUT_OF_MEMORY with neededBytes, largestFreeBytes and holeBytes.
  Status refusal(const Request& request) const override;
  Usage usage() const override;
  // Nothing: the size is fixed.
  uint64_t trim() override { return 0; }
  void reset() override;

  uint64_t capacity() const { return capacity_; }
  // Bytes of freed blocks that are of no use until what lies above them is freed.
  uint64_t holes() const { return low_.holes() + high_.holes(); }
  // Whether the address lies in the arena's memory.
  bool contains(const std::byte* block) const;

 private:
  Arena(MemoryResource& upstream, std::byte* base, uint64_t capacity);

  uint64_t gap() const { return capacity_ - low_.fill() - high_.fill(); }
  std::byte* allocate_low(const Request& request, uint64_t bytes);
  std::byte* allocate_high(const Request& request, uint64_t bytes);
  std::byte* hand_out(uint64_t offset, uint64_t requested);

  MemoryResource& upstream_;
  std::byte* const base_;
  const uint64_t capacity_;
  ArenaEnd low_;
  ArenaEnd high_;
  uint64_t requested_ = 0;
  uint64_t blocks_ = 0;
};

}  // namespace hyperion
