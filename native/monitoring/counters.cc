#include "monitoring/counters.h"

#include <algorithm>

namespace hyperion {

void Counters::add(Tag tag, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  uint64_t& tagged = counts_.by_tag[index_of(tag)];
  uint64_t& tagged_peak = counts_.peak_by_tag[index_of(tag)];
  tagged += bytes;
  counts_.current += bytes;
  counts_.total_allocated += bytes;
  ++counts_.allocations;
  tagged_peak = std::max(tagged_peak, tagged);
  counts_.peak = std::max(counts_.peak, counts_.current);
}

void Counters::subtract(Tag tag, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  counts_.by_tag[index_of(tag)] -= bytes;
  counts_.current -= bytes;
  ++counts_.frees;
}

void Counters::hold(uint64_t reserved) {
  const std::lock_guard lock(mutex_);
  counts_.reserved = reserved;
  counts_.reserved_peak = std::max(counts_.reserved_peak, reserved);
}

MemoryCounts Counters::snapshot() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace hyperion
