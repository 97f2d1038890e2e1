#include "memory/bins.h"

#include <algorithm>

#include "base/checked.h"
#include "memory/size_histogram.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

uint64_t units(uint64_t bytes) {
  return divide_up(bytes, kDefaultAlignment);
}

}  // namespace

Bins::Bins(MemoryResource& upstream)
    : upstream_(upstream), classes_(kDefaultAlignment, kLargestBinned) {
  for (size_t i = 0; i < classes_.count(); ++i) by_class_.push_back(pool_of(classes_.bytes(i)));
  set_exact({});
  rebinned_ = false;
}

std::byte* Bins::allocate(const Request& request) {
  Slabs* pool = route(request);
  std::byte* block = pool == nullptr ? nullptr : pool->allocate();
  if (block != nullptr) requested_ += request.bytes;
  return block;
}

FreeResult Bins::free(std::byte* block, const Request& request) {
  Slabs* pool = route(request);
  FreeResult result = pool == nullptr ? FreeResult::foreign : pool->free(block);
  if (rebinned_ && request.bytes <= kLargestExact) {
    auto other = pools_.lower_bound(request.bytes);
    for (; result == FreeResult::foreign && other != pools_.end(); ++other) {
      result = other->second.free(block);
    }
  }
  if (result == FreeResult::freed) requested_ -= request.bytes;
  return result;
}

void Bins::set_exact(const std::vector<uint64_t>& sizes) {
  by_units_.fill(nullptr);
  for (uint64_t unit = 1; unit <= units(kLargestBinned); ++unit) {
    by_units_[unit] = by_class_[classes_.index_for(unit * kDefaultAlignment, kDefaultAlignment)];
  }
  for (const uint64_t size : sizes) by_units_[units(size)] = pool_of(size);
  rebinned_ = true;
  std::erase_if(pools_, [&](const auto& entry) {
    const auto& [bytes, pool] = entry;
    return !serves(bytes, pool) && pool.live() == 0;
  });
}

uint64_t Bins::block_bytes(uint64_t bytes) const {
  const Slabs* pool = route({bytes});
  return pool == nullptr ? 0 : pool->layout().block_bytes;
}

Usage Bins::usage() const {
  Usage usage;
  for (const auto& [bytes, pool] : pools_) {
    usage.reserved += pool.reserved();
    usage.active += pool.live() * bytes;
    usage.blocks += pool.live();
    if (pool.has_room() && serves(bytes, pool)) usage.largest_free = bytes;
  }
  usage.requested = requested_;
  return usage;
}

uint64_t Bins::trim() {
  uint64_t bytes = 0;
  for (auto& [block_bytes, pool] : pools_) bytes += pool.trim();
  return bytes;
}

void Bins::reset() {
  for (auto& [block_bytes, pool] : pools_) pool.reset();
  requested_ = 0;
}

Slabs* Bins::pool_of(uint64_t block_bytes) {
  return &pools_.try_emplace(block_bytes, block_bytes, upstream_).first->second;
}

Slabs* Bins::route(const Request& request) const {
  if (request.alignment <= kDefaultAlignment) {
    return request.bytes <= kLargestExact ? by_units_[units(request.bytes)] : nullptr;
  }
  if (request.alignment >= kPageSize) return nullptr;
  const size_t index = classes_.index_for(request.bytes, request.alignment);
  return index < classes_.count() ? by_class_[index] : nullptr;
}

bool Bins::serves(uint64_t block_bytes, const Slabs& pool) const {
  return by_units_[units(block_bytes)] == &pool;
}

std::vector<uint64_t> frequent_sizes(const SizeHistogram& histogram) {
  std::map<uint64_t, uint64_t> counts;
  uint64_t all = 0;
  for (const auto& [bytes, size] : histogram.sizes()) {
    all += size.count;
    if (bytes <= kLargestExact) counts[round_up(bytes, kDefaultAlignment)] += size.count;
  }
  std::vector<uint64_t> frequent;
  for (const auto& [bytes, count] : counts) {
    if (count > 0 && count >= kExactShare * all) frequent.push_back(bytes);
  }
  std::stable_sort(frequent.begin(), frequent.end(),
                   [&](uint64_t a, uint64_t b) { return counts[a] > counts[b]; });
  if (frequent.size() > kMostExact) frequent.resize(kMostExact);
  return frequent;
}

}  // namespace hyperion
