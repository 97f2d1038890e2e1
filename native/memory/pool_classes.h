// Sizes that blocks are rounded up to: four to each doubling, so that at most a fifth of a block is
// padding once it is larger than the smallest class.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hyperion {

class PoolClasses {
 public:
  // Classes of smallest times 1, 1.25, 1.5, 1.75, 2, 2.5, ..., rounded up to 16, up to `largest`.
  // REQUIRES: smallest is a positive multiple of 16; smallest <= largest.
  PoolClasses(uint64_t smallest, uint64_t largest);

  size_t count() const { return bytes_.size(); }
  uint64_t bytes(size_t index) const { return bytes_[index]; }

  // The first class of at least `bytes` that is a multiple of the alignment; count() when there is
  // none. Takes constant time for alignments that the classes' steps are multiples of.
  // REQUIRES: bytes > 0; alignment is a power of two.
  size_t index_for(uint64_t bytes, uint64_t alignment) const;

 private:
  size_t unrounded_index(uint64_t bytes) const;

  std::vector<uint64_t> bytes_;
};

}  // namespace hyperion
