#include "memory/dynamic.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

// A cache of c blocks passes a block on about once in c operations and holds c/2 of them. For a
// given sum of bytes held the work is least when c falls with the square root of the block's size;
// this factor trades the one for the other: 200 blocks of 16 bytes, 3 of 64 KiB.
constexpr double kCacheFactor = 800;

uint32_t cache_capacity(uint32_t index) {
  return static_cast<uint32_t>(kCacheFactor / std::sqrt(class_bytes(index)));
}

}  // namespace

Dynamic::Dynamic(MemoryResource& upstream) : upstream_(upstream), heap_(upstream) {
  for (uint32_t i = 0; i < kSizeClasses; ++i) {
    caches_[i].capacity = std::min(cache_capacity(i), Cache::kMost);
  }
}

Status Dynamic::refusal(const Request& request) const {
  const Status reason = upstream_.refusal(
      is_small(request) ? BlockHeap::smallest_growth(size_class(aligned_bytes(request)))
                        : pages_for(request));
  const Usage now = usage();
  const uint64_t free = now.reserved - now.active;
  Details details = reason.details();
  details.emplace_back("freeInHeapBytes", static_cast<double>(free));
  return Status(reason.code(),
                reason.message() + "; " + format_bytes(free) +
                    " of the heap are free, in blocks of " + "at most " +
                    format_bytes(now.largest_free),
                std::move(details));
}

Usage Dynamic::usage() const {
  Usage usage{reserved(), heap_.taken_bytes() + page_bytes_, requested_, 0,
              heap_.taken_blocks() + pages_.size()};
  for (uint32_t i = 0; i < kSizeClasses; ++i) {
    usage.active -= static_cast<uint64_t>(caches_[i].count) * class_bytes(i);
    usage.blocks -= caches_[i].count;
    if (caches_[i].count > 0 || heap_.can_take(i)) usage.largest_free = class_bytes(i);
  }
  return usage;
}

uint64_t Dynamic::trim() {
  const uint64_t before = reserved();
  for (uint32_t i = 0; i < kSizeClasses; ++i) flush(i, caches_[i].count);
  heap_.trim();
  return before - reserved();
}

void Dynamic::reset() {
  for (const auto& [block, pages] : pages_) upstream_.free(block, pages);
  pages_.clear();
  page_bytes_ = 0;
  for (Cache& cache : caches_) cache.count = 0;
  heap_.reset();
  requested_ = 0;
}

Request Dynamic::pages_for(const Request& request) {
  return {round_up(request.bytes, kPageSize), std::max(request.alignment, kPageSize), request.tag,
          request.lifetime};
}

bool Dynamic::refill(uint32_t index) {
  Cache& cache = caches_[index];
  const auto fill = [&](uint32_t count) {
    cache.count = heap_.take(index, cache.blocks.data(), count);
    return cache.count > 0;
  };
  if (fill(cache.batch())) return true;
  if (heap_.grow(index)) return fill(1);
  trim();
  return fill(1) || (heap_.grow(index) && fill(1));
}

void Dynamic::flush(uint32_t index, uint32_t count) {
  Cache& cache = caches_[index];
  const auto oldest = cache.blocks.begin();
  for (uint32_t i = 0; i < count; ++i) heap_.give(index, oldest[i]);
  std::copy(oldest + count, oldest + cache.count, oldest);
  cache.count -= count;
}

std::byte* Dynamic::allocate_pages(const Request& request) {
  const Request pages = pages_for(request);
  std::byte* block = upstream_.allocate(pages);
  if (block == nullptr && trim() > 0) block = upstream_.allocate(pages);
  if (block == nullptr) return nullptr;
  pages_.emplace(block, pages);
  page_bytes_ += pages.bytes;
  requested_ += request.bytes;
  return block;
}

FreeResult Dynamic::free_pages(std::byte* block, const Request& request) {
  const auto found = pages_.find(block);
  if (found == pages_.end()) return FreeResult::foreign;
  upstream_.free(block, found->second);
  page_bytes_ -= found->second.bytes;
  pages_.erase(found);
  requested_ -= request.bytes;
  return FreeResult::freed;
}

}  // namespace hyperion
