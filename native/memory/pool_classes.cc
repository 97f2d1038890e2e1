#include "memory/pool_classes.h"

#include <algorithm>
#include <bit>

#include "base/checked.h"
#include "memory/resource.h"

namespace hyperion {
namespace {

constexpr uint64_t kSteps = 4;

}  // namespace

PoolClasses::PoolClasses(uint64_t smallest, uint64_t largest) {
  // Some of the smallest steps round up to equal sizes: the first of them is the one that is found.
  for (uint64_t doubling = smallest;; doubling *= 2) {
    for (uint64_t step = 0; step < kSteps; ++step) {
      const uint64_t bytes = round_up(doubling + doubling * step / kSteps, kDefaultAlignment);
      if (bytes > largest) return;
      bytes_.push_back(bytes);
    }
  }
}

size_t PoolClasses::index_for(uint64_t bytes, uint64_t alignment) const {
  const uint64_t wanted = round_up(bytes, alignment);
  const uint64_t doublings = std::bit_width((wanted - 1) / bytes_.front());
  size_t index = doublings == 0 ? 0 : (doublings - 1) * kSteps + 1;
  const uint64_t most = 2 * std::max(wanted, bytes_.front());
  for (; index < count() && bytes_[index] <= most; ++index) {
    if (bytes_[index] >= wanted && bytes_[index] % alignment == 0) return index;
  }
  return count();
}

}  // namespace hyperion
