#include "memory/engine_memory.h"

#include <gtest/gtest.h>

#include "memory/region.h"

namespace hyperion {
namespace {

TEST(Region, IsChargedInWholePagesWhileItLives) {
  Monitor monitor;
  EngineMemory memory(4 * kPageSize, monitor);
  {
    Result<Region> region = Region::allocate(memory, Tag::kv_cache, kPageSize + 1);
    ASSERT_TRUE(region.ok());
    EXPECT_EQ(region.value().size(), 2 * kPageSize);
    EXPECT_EQ(monitor.counters.snapshot().by_tag[index_of(Tag::kv_cache)], 2 * kPageSize);
    Region moved = std::move(region.value());
    EXPECT_EQ(monitor.counters.snapshot().current, 2 * kPageSize);
    EXPECT_EQ(monitor.counters.snapshot().reserved, 2 * kPageSize);
    EXPECT_FALSE(Region::try_allocate(memory, Tag::scratch, 2 * kPageSize + 1).has_value());
  }
  EXPECT_EQ(monitor.counters.snapshot().current, 0u);
  EXPECT_EQ(monitor.counters.snapshot().frees, 1u);
  EXPECT_EQ(memory.available(), 4 * kPageSize);
}

TEST(Region, IsNotChargedWhenTheSystemRefusesThePages) {
  Monitor monitor;
  EngineMemory memory(kUnlimited, monitor);
  const Result<Region> region = Region::allocate(memory, Tag::weights, kLargestBlock);
  EXPECT_EQ(region.status().code(), Code::out_of_memory);
  EXPECT_EQ(monitor.counters.snapshot().current, 0u);
}

TEST(Region, OfNoBytesHoldsNothing) {
  Monitor monitor;
  EngineMemory memory(0, monitor);
  EXPECT_TRUE(Region::allocate(memory, Tag::weights, 0).ok());
  EXPECT_TRUE(Region::try_allocate(memory, Tag::weights, 0).has_value());
  EXPECT_EQ(monitor.counters.snapshot().allocations, 0u);
}

TEST(Region, LargeOnesStartAtAHugePage) {
  Monitor monitor;
  EngineMemory memory(kUnlimited, monitor);
  Result<Region> region = Region::allocate(memory, Tag::weights, kHugePageSize + kPageSize);
  ASSERT_TRUE(region.ok());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(region.value().data()) % kHugePageSize, 0u);
  region.value().data()[kHugePageSize + kPageSize - 1] = std::byte{1};
}

TEST(EngineMemory, ReclaimsUntilTheBytesFit) {
  Monitor monitor;
  EngineMemory memory(10 * kPageSize, monitor);
  std::vector<Region> layers;
  memory.set_reclaim([&] {
    if (layers.empty()) return false;
    layers.pop_back();
    return true;
  });
  for (int i = 0; i < 3; ++i) {
    layers.push_back(std::move(Region::allocate(memory, Tag::weights, 3 * kPageSize).value()));
  }
  EXPECT_TRUE(Region::allocate(memory, Tag::activations, 5 * kPageSize).ok());
  EXPECT_EQ(layers.size(), 1u);
  const Status refused = Region::allocate(memory, Tag::activations, 11 * kPageSize).status();
  EXPECT_EQ(refused.code(), Code::over_budget);
  EXPECT_EQ(layers.size(), 0u);
}

TEST(EngineMemory, ARefusalSaysWhatIsAskedAndWhatIsHeldForWhat) {
  Monitor monitor;
  EngineMemory memory(4 * kPageSize, monitor);
  const Result<Region> held = Region::allocate(memory, Tag::kv_cache, 3 * kPageSize);
  const Status refused = memory.refusal(Tag::scratch, 2 * kPageSize);
  EXPECT_EQ(refused.code(), Code::over_budget);
  const auto detail = [&](const std::string& name) {
    for (const auto& [key, value] : refused.details()) {
      if (key == name) return value;
    }
    return -1.0;
  };
  EXPECT_EQ(detail("neededBytes"), 2.0 * kPageSize);
  EXPECT_EQ(detail("kv-cacheBytes"), 3.0 * kPageSize);
  EXPECT_EQ(detail("largestFreeBytes"), 1.0 * kPageSize);
  EXPECT_NE(refused.message().find("scratch"), std::string::npos);
}

}  // namespace
}  // namespace hyperion
