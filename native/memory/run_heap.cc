#include "memory/run_heap.h"

#include <algorithm>
#include <bit>

#include "base/checked.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

// Segments grow with the heap, so that there are few to search, by a small part of it, so that
// little stands empty, and to whole huge pages. The largest is within what an Extent can count.
constexpr uint64_t kSmallestGrowth = 1024 * 1024;
constexpr uint64_t kLargestGrowth = 16 * 1024 * 1024;
constexpr uint64_t kGrowthShare = 64;

uint64_t growth(uint64_t reserved) {
  return std::clamp(round_up(reserved / kGrowthShare, kHugePageSize), kSmallestGrowth,
                    kLargestGrowth);
}

Request segment_request(uint64_t bytes) {
  return {round_up(bytes, kPageSize), kPageSize, 0, Lifetime::lasting};
}

}  // namespace

std::byte* RunHeap::take(uint32_t units, uint32_t label) {
  const std::optional<uint32_t> bin = fitting_bin(units);
  if (!bin) return nullptr;
  const auto [segment, unit] = bins_[*bin].back();
  const uint32_t length = segment->extent(unit);
  unlist(*segment, unit);
  if (length > units) list(*segment, unit + units, length - units);
  segment->extent(unit) = segment->extent(unit + units - 1) = static_cast<Extent>(units | kUsed);
  std::fill_n(segment->labels.begin() + unit, label == kNoLabel ? 1 : units, label);
  segment->used_units += units;
  if (segment == empty_) empty_ = nullptr;
  return segment->base + unit * kUnit;
}

bool RunHeap::grow(uint32_t units) {
  trim();  // an empty segment is of no use here: it is too small
  const Request smallest = smallest_segment(units);
  for (uint64_t bytes = growth(reserved_); bytes > smallest.bytes; bytes /= 2) {
    if (add_segment(segment_request(bytes))) return true;
  }
  return add_segment(smallest);
}

Request RunHeap::smallest_segment(uint32_t units) {
  return segment_request(units * kUnit);
}

void RunHeap::give(std::byte* run) {
  Segment& segment = segment_of(run);
  uint32_t unit = segment.unit_of(run);
  uint32_t length = segment.extent(unit) & ~kUsed;
  segment.used_units -= length;
  if (const Extent next = segment.extent(unit + length); (next & kUsed) == 0) {
    unlist(segment, unit + length);
    length += next;
  }
  if (const Extent previous = segment.extent(unit - 1); (previous & kUsed) == 0) {
    unit -= previous;
    unlist(segment, unit);
    length += previous;
  }
  list(segment, unit, length);
  if (segment.used_units > 0) return;
  trim();
  empty_ = &segment;
}

uint32_t RunHeap::label(const std::byte* address) const {
  const Segment& segment = segment_of(address);
  return segment.labels[segment.unit_of(address)];
}

void RunHeap::trim() {
  if (empty_ != nullptr) remove_segment(*empty_);
  empty_ = nullptr;
}

void RunHeap::reset() {
  for (const auto& segment : segments_) upstream_.free(segment->base, segment->request());
  segments_.clear();
  bases_.clear();
  empty_ = nullptr;
  reserved_ = 0;
  for (auto& bin : bins_) bin.clear();
  filled_.fill(0);
}

Request RunHeap::Segment::request() const {
  return segment_request(units * kUnit);
}

uint32_t RunHeap::bin_of(uint32_t units) {
  if (units <= kLargestRun) return units - 1;
  return kLargestRun + static_cast<uint32_t>(std::bit_width(units / kLargestRun)) - 1;
}

std::optional<uint32_t> RunHeap::fitting_bin(uint32_t units) const {
  const uint32_t smallest = bin_of(units);
  uint64_t filled = filled_[smallest / 64] & (~0ull << (smallest % 64));
  for (uint32_t word = smallest / 64;;) {
    if (filled != 0) return word * 64 + static_cast<uint32_t>(std::countr_zero(filled));
    if (++word == filled_.size()) return std::nullopt;
    filled = filled_[word];
  }
}

// A binary search without branches: which way it goes cannot be predicted.
RunHeap::Segment& RunHeap::segment_of(const std::byte* address) const {
  size_t found = 0;
  for (size_t count = bases_.size(); count > 1;) {
    const size_t half = count / 2;
    found += bases_[found + half] <= address ? half : 0;
    count -= half;
  }
  return *segments_[found];
}

bool RunHeap::add_segment(const Request& request) {
  std::byte* base = upstream_.allocate(request);
  if (base == nullptr) return false;
  auto segment = std::make_unique<Segment>(base, static_cast<uint32_t>(request.bytes / kUnit));
  list(*segment, 0, segment->units);
  empty_ = segment.get();
  const auto place = std::upper_bound(bases_.begin(), bases_.end(), base) - bases_.begin();
  bases_.insert(bases_.begin() + place, base);
  segments_.insert(segments_.begin() + place, std::move(segment));
  reserved_ += request.bytes;
  return true;
}

void RunHeap::remove_segment(Segment& segment) {
  unlist(segment, 0);
  upstream_.free(segment.base, segment.request());
  reserved_ -= segment.units * kUnit;
  const auto place = std::find(bases_.begin(), bases_.end(), segment.base) - bases_.begin();
  bases_.erase(bases_.begin() + place);
  segments_.erase(segments_.begin() + place);
}

void RunHeap::list(Segment& segment, uint32_t unit, uint32_t length) {
  const uint32_t bin = bin_of(length);
  segment.extent(unit) = segment.extent(unit + length - 1) = static_cast<Extent>(length);
  segment.labels[unit] = static_cast<uint32_t>(bins_[bin].size());
  bins_[bin].push_back({&segment, unit});
  filled_[bin / 64] |= 1ull << (bin % 64);
}

void RunHeap::unlist(Segment& segment, uint32_t unit) {
  const uint32_t bin = bin_of(segment.extent(unit));
  const uint32_t position = segment.labels[unit];
  std::vector<Place>& listed = bins_[bin];
  const Place last = listed.back();
  listed[position] = last;
  last.segment->labels[last.unit] = position;
  listed.pop_back();
  if (listed.empty()) filled_[bin / 64] &= ~(1ull << (bin % 64));
}

}  // namespace hyperion
