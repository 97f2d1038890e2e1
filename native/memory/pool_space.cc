#include "memory/pool_space.h"

#include <algorithm>
#include <iterator>

#include "base/checked.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

Request in_pages(const Request& request) {
  return {round_up(request.bytes, kPageSize), std::max(request.alignment, kPageSize), request.tag,
          request.lifetime};
}

Request region(uint64_t bytes) {
  return {bytes, kPageSize, 0, Lifetime::lasting};
}

}  // namespace

Result<std::unique_ptr<PoolSpace>> PoolSpace::create(MemoryResource& upstream, uint64_t bytes) {
  const uint64_t capacity = round_up(bytes, kPageSize);
  std::byte* base = capacity == 0 ? nullptr : upstream.allocate(region(capacity));
  if (capacity != 0 && base == nullptr) return upstream.refusal(region(capacity));
  return std::unique_ptr<PoolSpace>(new PoolSpace(upstream, base, capacity));
}

PoolSpace::PoolSpace(MemoryResource& upstream, std::byte* base, uint64_t capacity)
    : upstream_(upstream), base_(base), capacity_(capacity) {
  if (capacity > 0) free_.emplace(base, capacity);
}

PoolSpace::~PoolSpace() {
  reset();
  if (capacity_ > 0) upstream_.free(base_, region(capacity_));
}

std::byte* PoolSpace::allocate(const Request& request) {
  const Request pages = in_pages(request);
  std::byte* block = pages.alignment == kPageSize ? carve(pages.bytes) : nullptr;
  if (block == nullptr) {
    block = upstream_.allocate(pages);
    if (block == nullptr) return nullptr;
    beyond_ += pages.bytes;
  }
  live_.emplace(block, request);
  active_ += pages.bytes;
  requested_ += request.bytes;
  return block;
}

FreeResult PoolSpace::free(std::byte* block, const Request&) {
  const auto found = live_.find(block);
  if (found == live_.end()) return FreeResult::foreign;
  const Request request = found->second;
  const Request pages = in_pages(request);
  live_.erase(found);
  active_ -= pages.bytes;
  requested_ -= request.bytes;
  const bool carved = capacity_ > 0 && block >= base_ && block < base_ + capacity_;
  if (carved) {
    restore(block, pages.bytes);
  } else {
    beyond_ -= pages.bytes;
    upstream_.free(block, pages);
  }
  return FreeResult::freed;
}

Status PoolSpace::refusal(const Request& request) const {
  return upstream_.refusal(in_pages(request));
}

Usage PoolSpace::usage() const {
  uint64_t largest = 0;
  for (const auto& [address, bytes] : free_) largest = std::max(largest, bytes);
  return {capacity_ + beyond_, active_, requested_, largest, live_.size()};
}

void PoolSpace::reset() {
  while (!live_.empty()) free(live_.begin()->first, live_.begin()->second);
}

std::byte* PoolSpace::carve(uint64_t bytes) {
  const auto fits = std::find_if(free_.begin(), free_.end(),
                                 [&](const auto& range) { return range.second >= bytes; });
  if (fits == free_.end()) return nullptr;
  const auto [address, room] = *fits;
  free_.erase(fits);
  if (room > bytes) free_.emplace(address + bytes, room - bytes);
  return address;
}

void PoolSpace::restore(std::byte* block, uint64_t bytes) {
  const auto after = free_.lower_bound(block);
  const bool meets_after = after != free_.end() && block + bytes == after->first;
  if (meets_after) bytes += after->second;
  const auto next = meets_after ? free_.erase(after) : after;
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == block) {
      before->second += bytes;
      return;
    }
  }
  free_.emplace_hint(next, block, bytes);
}

}  // namespace hyperion
