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
  size_t index = unrounded_index(wanted);
  if (index > count()) return count();
  // Rounding up to 16 may have brought a class before up to it.
  while (index > 0 && bytes_[index - 1] >= wanted) --index;
  const uint64_t most = 2 * std::max(wanted, bytes_.front());
  for (; index < count() && bytes_[index] <= most; ++index) {
    if ((bytes_[index] & (alignment - 1)) == 0) return index;
  }
  return count();
}

// The class that it were if none was rounded: of the steps within the bytes' doubling, the next
// one.
size_t PoolClasses::unrounded_index(uint64_t bytes) const {
  const uint64_t steps = (bytes - 1) * kSteps / bytes_.front();
  if (steps < kSteps) return 0;
  const int doubling = std::bit_width(steps / kSteps) - 1;
  return doubling * kSteps + (steps >> doubling) - kSteps + 1;
}

}  // namespace hyperion
