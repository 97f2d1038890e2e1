// An upstream for tests: blocks of the C++ heap, up to a limit, with every block on record, so that
// a strategy that gives back a wrong block or forgets one is seen.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "base/checked.h"
#include "memory/resource.h"

namespace hyperion {

class HeapResource final : public MemoryResource {
 public:
  explicit HeapResource(uint64_t limit = kLargestBlock) : limit_(limit) {}
  ~HeapResource() override { EXPECT_EQ(blocks_.size(), 0u) << "blocks were not given back"; }

  std::byte* allocate(const Request& request) override {
    if (request.bytes > limit_ - reserved_) return nullptr;
    const uint64_t bytes = round_up(request.bytes, request.alignment);
    auto* block = static_cast<std::byte*>(std::aligned_alloc(request.alignment, bytes));
    if (block == nullptr) return nullptr;
    blocks_.emplace(block, request.bytes);
    reserved_ += request.bytes;
    peak_ = std::max(peak_, reserved_);
    return block;
  }

  FreeResult free(std::byte* block, const Request& request) override {
    const auto found = blocks_.find(block);
    if (found == blocks_.end()) {
      ADD_FAILURE() << "a foreign block came back";
      return FreeResult::foreign;
    }
    EXPECT_EQ(found->second, request.bytes);
    reserved_ -= found->second;
    blocks_.erase(found);
    std::free(block);
    return FreeResult::freed;
  }

  Status refusal(const Request&) const override {
    return Status(Code::out_of_memory, "the test's heap has reached its limit");
  }
  Usage usage() const override {
    return {reserved_, reserved_, reserved_, limit_ - reserved_, blocks_.size()};
  }
  uint64_t trim() override { return 0; }
  void reset() override {
    for (const auto& [block, bytes] : blocks_) std::free(block);
    blocks_.clear();
    reserved_ = 0;
  }

  void set_limit(uint64_t limit) { limit_ = limit; }
  uint64_t peak() const { return peak_; }

 private:
  uint64_t limit_;
  uint64_t reserved_ = 0;
  uint64_t peak_ = 0;
  std::map<std::byte*, uint64_t> blocks_;
};

}  // namespace hyperion
