#include "memory/block_tracker.h"

#include <algorithm>
#include <bit>

namespace hyperion {
namespace {

size_t bin_of(uint64_t value) {
  const auto bin = static_cast<size_t>(std::bit_width(std::max<uint64_t>(value, 1)) - 1);
  return std::min(bin, BlockTracker::kBins - 1);
}

}  // namespace

void BlockTracker::on_allocate(uint64_t bytes, uint64_t number, const UsageSample& sample) {
  SizeBin& bin = sizes_[bin_of(bytes)];
  ++bin.blocks;
  bin.bytes += bytes;
  live_.emplace_hint(live_.end(), number, sample.time_ms);
  record(sample);
}

void BlockTracker::on_free(uint64_t number, const UsageSample& sample) {
  const auto found = live_.find(number);
  if (found != live_.end()) {
    if (std::next(found) == live_.end()) ++newest_first_;
    ++lifetimes_[bin_of(static_cast<uint64_t>((sample.time_ms - found->second) * 1000))];
    live_.erase(found);
  }
  record(sample);
}

void BlockTracker::on_reset(const UsageSample& sample) {
  live_.clear();
  record(sample);
}

double BlockTracker::allocated_ms(uint64_t number) const {
  const auto found = live_.find(number);
  return found == live_.end() ? 0 : found->second;
}

std::vector<UsageSample> BlockTracker::samples() const {
  std::vector<UsageSample> ordered = samples_;
  const auto oldest = static_cast<ptrdiff_t>(recorded_ % kSamples);
  if (recorded_ > kSamples) {
    std::rotate(ordered.begin(), ordered.begin() + oldest, ordered.end());
  }
  return ordered;
}

void BlockTracker::record(const UsageSample& sample) {
  if (samples_.size() < kSamples) {
    samples_.push_back(sample);
  } else {
    samples_[recorded_ % kSamples] = sample;
  }
  ++recorded_;
}

}  // namespace hyperion
