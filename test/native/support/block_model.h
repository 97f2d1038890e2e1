// What the blocks of a memory resource must be at any moment: apart from each other, aligned, left
// as they were written, and as many and as large as the resource says.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "memory/resource.h"

namespace hyperion {

class BlockModel {
 public:
  explicit BlockModel(MemoryResource& resource) : resource_(resource) {}

  // Allocates, checks the block and marks its ends; false when the resource refuses.
  bool allocate(const Request& request) {
    std::byte* block = resource_.allocate(request);
    if (block == nullptr) return false;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % request.alignment, 0u);
    const auto after = by_address_.lower_bound(block);
    if (after != by_address_.end()) {
      EXPECT_LE(block + request.bytes, after->first) << "overlaps";
    }
    if (after != by_address_.begin()) {
      const auto before = std::prev(after);
      EXPECT_LE(before->first + before->second, block) << "overlaps";
    }
    by_address_.emplace_hint(after, block, request.bytes);
    blocks_.push_back({block, request, ++marks_});
    mark(blocks_.back(), [](std::byte& at, std::byte mark) { at = mark; });
    requested_ += request.bytes;
    return true;
  }

  // Frees the live block at this place, oldest first as long as only the last is freed.
  void free(size_t index) {
    const Block freed = blocks_[index];
    mark(freed, [](std::byte& at, std::byte mark) { EXPECT_EQ(at, mark) << "was overwritten"; });
    blocks_[index] = blocks_.back();
    blocks_.pop_back();
    by_address_.erase(freed.address);
    requested_ -= freed.request.bytes;
    EXPECT_EQ(resource_.free(freed.address, freed.request), FreeResult::freed);
  }

  void free_all() {
    while (!blocks_.empty()) free(blocks_.size() - 1);
  }

  void free_some(std::mt19937_64& random, size_t count) {
    for (; count > 0 && !blocks_.empty(); --count) free(random() % blocks_.size());
  }

  // After resource.reset().
  void forget_all() {
    blocks_.clear();
    by_address_.clear();
    requested_ = 0;
  }

  void check_usage() const {
    const Usage usage = resource_.usage();
    EXPECT_EQ(usage.blocks, blocks_.size());
    EXPECT_EQ(usage.requested, requested_);
    EXPECT_LE(usage.requested, usage.active);
    EXPECT_LE(usage.active, usage.reserved);
  }

  size_t live() const { return blocks_.size(); }
  uint64_t requested() const { return requested_; }
  std::byte* address(size_t index) const { return blocks_[index].address; }
  const Request& request(size_t index) const { return blocks_[index].request; }

 private:
  struct Block {
    std::byte* address;
    Request request;
    uint64_t mark;
  };

  template <typename Visit>
  static void mark(const Block& block, Visit visit) {
    const uint64_t bytes = std::min<uint64_t>(block.request.bytes, 16);
    for (uint64_t i = 0; i < bytes; ++i) {
      const auto mark = std::byte(block.mark * 31 + i);
      visit(block.address[i], mark);
      // The two ends of a short block are the same bytes, marked once.
      if (block.request.bytes >= 32) visit(block.address[block.request.bytes - 1 - i], mark);
    }
  }

  MemoryResource& resource_;
  std::vector<Block> blocks_;
  std::map<std::byte*, uint64_t> by_address_;
  uint64_t requested_ = 0;
  uint64_t marks_ = 0;
};

// Sizes spread evenly over their logarithm from 1 byte on, as programs ask for them.
inline uint64_t random_bytes(std::mt19937_64& random, uint64_t largest) {
  const uint64_t magnitude = 1ull << random() % std::bit_width(largest);
  return std::min(largest, magnitude + random() % magnitude);
}

inline Request random_request(std::mt19937_64& random, uint64_t largest, uint64_t alignment) {
  // Most blocks have the default alignment.
  const uint64_t doublings = std::countr_zero(alignment) - std::countr_zero(kDefaultAlignment);
  const uint64_t shift = random() % 4 == 0 ? random() % (doublings + 1) : 0;
  return {random_bytes(random, largest), kDefaultAlignment << shift,
          static_cast<uint16_t>(random() % 8),
          random() % 4 == 0 ? Lifetime::lasting : Lifetime::transient};
}

}  // namespace hyperion
