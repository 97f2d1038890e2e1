#include "memory/size_histogram.h"

#include <algorithm>

namespace hyperion {

void SizeHistogram::allocated(const std::byte* block, uint64_t bytes) {
  const uint64_t birth = ++allocations_;
  births_[block] = birth;
  ObservedSize& size = sizes_[bytes];
  ++size.count;
  ++size.live;
  size.peak_live = std::max(size.peak_live, size.live);
  size.births += birth;
}

void SizeHistogram::freed(const std::byte* block, uint64_t bytes) {
  const auto birth = births_.find(block);
  if (birth == births_.end()) return;
  ObservedSize& size = sizes_[bytes];
  --size.live;
  ++size.freed;
  size.lifetimes += allocations_ - birth->second;
  size.births -= birth->second;
  births_.erase(birth);
}

void SizeHistogram::freed_all() {
  for (auto& [bytes, size] : sizes_) {
    size.lifetimes += size.live * allocations_ - size.births;
    size.freed += size.live;
    size.live = 0;
    size.births = 0;
  }
  births_.clear();
}

void SizeHistogram::age() {
  for (auto& [bytes, size] : sizes_) {
    size.count /= 2;
    size.freed /= 2;
    size.lifetimes /= 2;
    size.peak_live = size.live;
  }
  std::erase_if(
      sizes_, [](const auto& entry) { return entry.second.count == 0 && entry.second.live == 0; });
}

std::vector<uint64_t> SizeHistogram::long_lived(uint64_t lifetime) const {
  std::vector<uint64_t> found;
  for (const auto& [bytes, size] : sizes_) {
    const uint64_t blocks = size.freed + size.live;
    const uint64_t lived = size.lifetimes + size.live * allocations_ - size.births;
    if (blocks > 0 && lived / blocks >= lifetime) found.push_back(bytes);
  }
  return found;
}

}  // namespace hyperion
