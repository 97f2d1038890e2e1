// Which sizes are asked for, how often, how many of each live at once and for how long: what a
// resource that arranges itself to its use looks at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

namespace hyperion {

struct ObservedSize {
  uint64_t count = 0;  // allocations
  uint64_t live = 0;
  uint64_t peak_live = 0;
  uint64_t freed = 0;
  uint64_t lifetimes = 0;  // of the freed, summed; a lifetime counts the allocations within it
  uint64_t births = 0;     // of the live, summed; a birth is the number of its allocation
};

class SizeHistogram {
 public:
  void allocated(const std::byte* block, uint64_t bytes);
  // Blocks that were not seen being allocated count for nothing.
  void freed(const std::byte* block, uint64_t bytes);
  void freed_all();

  // Halves the past against what comes: counts and lifetimes of before weigh half, peaks begin anew
  // and sizes that are of no more weight are dropped.
  void age();

  // By bytes as asked for.
  const std::map<uint64_t, ObservedSize>& sizes() const { return sizes_; }
  uint64_t allocations() const { return allocations_; }

  // Sizes whose blocks, freed or not, live for at least this many allocations on average;
  // ascending.
  std::vector<uint64_t> long_lived(uint64_t lifetime) const;

 private:
  uint64_t allocations_ = 0;
  std::map<uint64_t, ObservedSize> sizes_;
  std::unordered_map<const std::byte*, uint64_t> births_;  // of the live blocks
};

}  // namespace hyperion
