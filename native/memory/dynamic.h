// The `dynamic` strategy: any size in any order, fast and with little lost between blocks. Blocks
// up to 64 KiB come by size class from a cache over a heap; larger ones, and those aligned beyond 1
// KiB, straight from the upstream, as exactly the pages asked for.
#pragma once

#include <array>
#include <map>

#include "base/checked.h"
#include "memory/block_heap.h"
#include "memory/resource.h"
#include "memory/size_classes.h"

namespace hyperion {

// Not thread-safe. Never reads or writes a block.
class Dynamic final : public MemoryResource {
 public:
  // REQUIRES: upstream outlives the resource.
  explicit Dynamic(MemoryResource& upstream);
  ~Dynamic() override { reset(); }

  // When the upstream refuses, all that holds no live block goes back to it before it is asked
  // again.
  std::byte* allocate(const Request& request) override;
  FreeResult free(std::byte* block, const Request& request) override;

  // The upstream's reason, and what is free here in pieces that do not help.
  Status refusal(const Request& request) const override;

  // Exact. Takes a step for each size class.
  Usage usage() const override;

  uint64_t trim() override;
  void reset() override;

 private:
  // Free blocks of one class, the last freed on top.
  struct Cache {
    static constexpr uint32_t kMost = 200;
    uint32_t count = 0;
    uint32_t capacity = 0;
    std::array<std::byte*, kMost> blocks;

    // How many blocks pass between cache and heap at a time.
    uint32_t batch() const { return std::max(1u, capacity / 4); }
  };

  static uint64_t aligned_bytes(const Request& request) {
    // Every class is a multiple of the default alignment.
    if (request.alignment <= kDefaultAlignment) [[likely]]
      return request.bytes;
    return round_up(request.bytes, request.alignment);
  }
  static bool is_small(const Request& request) {
    return aligned_bytes(request) <= kLargestClassBytes && request.alignment <= RunHeap::kUnit;
  }
  static Request pages_for(const Request& request);

  bool refill(uint32_t index);
  void flush(uint32_t index, uint32_t count);
  std::byte* allocate_pages(const Request& request);
  FreeResult free_pages(std::byte* block, const Request& request);
  uint64_t reserved() const { return heap_.reserved() + page_bytes_; }

  MemoryResource& upstream_;
  uint64_t requested_ = 0;
  std::array<Cache, kSizeClasses> caches_;
  BlockHeap heap_;
  std::map<std::byte*, Request> pages_;  // what the upstream was asked for, by block
  uint64_t page_bytes_ = 0;
};

// Here, so that calls on the class itself are inlined: a hit of the cache is a few nanoseconds.
inline std::byte* Dynamic::allocate(const Request& request) {
  if (!is_small(request)) [[unlikely]]
    return allocate_pages(request);
  const uint32_t index = size_class(aligned_bytes(request));
  Cache& cache = caches_[index];
  if (cache.count == 0 && !refill(index)) [[unlikely]]
    return nullptr;
  requested_ += request.bytes;
  return cache.blocks[--cache.count];
}

inline FreeResult Dynamic::free(std::byte* block, const Request& request) {
  if (!is_small(request)) [[unlikely]]
    return free_pages(block, request);
  const uint32_t index = size_class(aligned_bytes(request));
  Cache& cache = caches_[index];
  if (cache.count == cache.capacity) [[unlikely]]
    flush(index, cache.batch());
  requested_ -= request.bytes;
  cache.blocks[cache.count++] = block;
  return FreeResult::freed;
}

}  // namespace hyperion
