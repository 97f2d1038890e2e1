#include "memory/engine_memory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "memory/region.h"
#include "monitoring/process_usage.h"

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

constexpr uint64_t kBudget = 400 * kPageSize;
constexpr uint64_t kPool = 100 * kPageSize;

const StrategyConfig kStrategies[] = {
    {.kind = StrategyConfig::Kind::fixed, .initial_pool_size = kPool},
    {.kind = StrategyConfig::Kind::pooled},
    {.kind = StrategyConfig::Kind::pooled, .initial_pool_size = kPool},
    {.kind = StrategyConfig::Kind::dynamic},
    {.kind = StrategyConfig::Kind::hybrid, .initial_pool_size = kPool},
};

TEST(EngineMemory, EachStrategyHoldsWholePagesUnderTheBudgetAndGivesThemBack) {
  for (const StrategyConfig& strategy : kStrategies) {
    const uint64_t before = live_bytes();
    const uint64_t process_before = process_usage.current();
    {
      Monitor monitor;
      EngineMemory memory(kBudget, monitor);
      ASSERT_TRUE(memory.use(strategy).ok());
      const uint64_t at_first = memory.budget().charged();
      EXPECT_EQ(monitor.counters.snapshot().reserved, at_first);
      std::vector<Region> regions;
      for (uint64_t pages = 1; pages < 12; ++pages) {
        auto region =
            Region::allocate(memory, static_cast<Tag>(pages % kTagCount), pages * kPageSize);
        ASSERT_TRUE(region.ok()) << region.status().message();
        EXPECT_EQ(reinterpret_cast<uintptr_t>(region.value().data()) % kPageSize, 0u);
        regions.push_back(std::move(region.value()));
      }
      EXPECT_EQ(memory.usage().requested, 66 * kPageSize);
      EXPECT_EQ(memory.usage().blocks, 11u);
      EXPECT_EQ(memory.blocks().size(), 11u);
      EXPECT_EQ(process_usage.current(), process_before + 66 * kPageSize);
      EXPECT_EQ(memory.usage().reserved, memory.budget().charged());
      uint64_t spans = 0;
      for (const LiveBlock& span : memory.reserved_spans()) spans += span.bytes;
      EXPECT_EQ(spans, memory.budget().charged());
      while (!regions.empty()) regions.pop_back();
      EXPECT_EQ(monitor.counters.snapshot().current, 0u);
      EXPECT_GE(memory.budget().charged(), at_first) << "an initial pool is kept";
      ASSERT_TRUE(memory.use({}).ok());
      EXPECT_EQ(memory.budget().charged(), 0u) << "and goes with its strategy";
      EXPECT_EQ(monitor.counters.snapshot().reserved, 0u);
    }
    EXPECT_EQ(live_bytes(), before);
    EXPECT_EQ(process_usage.current(), process_before);
  }
}

TEST(EngineMemory, AStrategyThatCannotBeLeavesTheOneBefore) {
  Monitor monitor;
  EngineMemory memory(kPool - kPageSize, monitor);
  EXPECT_EQ(memory.use(kStrategies[0]).code(), Code::over_budget);
  EXPECT_EQ(memory.use({.kind = StrategyConfig::Kind::fixed}).code(), Code::invalid);
  EXPECT_TRUE(Region::allocate(memory, Tag::weights, kPool - kPageSize).ok());
}

TEST(EngineMemory, PagesBesideTheStrategyAreCountedAndListed) {
  for (const StrategyConfig& strategy : kStrategies) {
    Monitor monitor;
    EngineMemory memory(kBudget, monitor);
    ASSERT_TRUE(memory.use(strategy).ok());
    const uint64_t at_first = memory.budget().charged();
    Region mapped = std::move(Region::map(memory, Tag::scratch, 3 * kPageSize).value());
    EXPECT_EQ(memory.budget().charged(), at_first + 3 * kPageSize);
    EXPECT_EQ(memory.usage().requested, 3 * kPageSize);
    EXPECT_EQ(memory.usage().reserved, at_first + 3 * kPageSize);
    ASSERT_EQ(memory.blocks().size(), 1u);
    EXPECT_EQ(memory.blocks()[0].sequence, 0u);
    EXPECT_EQ(memory.blocks()[0].address, mapped.data());
    mapped.free();
    EXPECT_EQ(memory.budget().charged(), at_first);
  }
}

// Seen with a recording that began under the smallest budget: an empty slab held what it needed.
TEST(EngineMemory, PagesAreHadFromWhatAPooledStrategyKeepsEmpty) {
  Monitor monitor;
  EngineMemory memory(16 * kPageSize, monitor);
  ASSERT_TRUE(memory.use({.kind = StrategyConfig::Kind::pooled}).ok());
  Region::allocate(memory, Tag::weights, kPageSize).value().free();
  ASSERT_GT(memory.budget().charged(), 0u) << "a slab waits for its next block";
  EXPECT_TRUE(Region::map(memory, Tag::scratch, 16 * kPageSize).ok());
}

TEST(EngineMemory, PagesBesideAStaticPoolAreRefusedByTheBudget) {
  Monitor monitor;
  EngineMemory memory(kPool, monitor);
  ASSERT_TRUE(memory.use(kStrategies[0]).ok());
  const Status refused = Region::map(memory, Tag::scratch, kPageSize).status();
  EXPECT_EQ(refused.code(), Code::over_budget) << refused.message();
  EXPECT_EQ(Region::allocate(memory, Tag::scratch, kPool + kPageSize).status().code(),
            Code::out_of_memory);
}

// The arena of `hybrid` is no room for a layer, however empty it is.
TEST(EngineMemory, WhatIsAvailableCanBeHad) {
  for (const StrategyConfig& strategy : kStrategies) {
    if (strategy.kind == StrategyConfig::Kind::fixed)
      continue;  // its pool may hold less than the budget
    Monitor monitor;
    EngineMemory memory(kBudget, monitor);
    ASSERT_TRUE(memory.use(strategy).ok());
    std::vector<Region> layers;
    while (memory.available() >= memory.footprint(48 * kPageSize)) {
      std::optional<Region> layer = Region::try_allocate(memory, Tag::weights, 48 * kPageSize);
      ASSERT_TRUE(layer.has_value()) << static_cast<int>(strategy.kind);
      layers.push_back(std::move(*layer));
    }
    EXPECT_GE(layers.size(), 5u);
  }
}

TEST(EngineMemory, ThreadsAllocateAtOnceWhileATraceRunsAndIsReadAndEnds) {
  for (const StrategyConfig& strategy : kStrategies) {
    Monitor monitor;
    EngineMemory memory(kBudget, monitor);
    ASSERT_TRUE(memory.use(strategy).ok());
    memory.start_trace();
    std::atomic<bool> anew = false;
    const auto churn = [&](uint64_t seed) {
      std::mt19937_64 random(seed);
      std::vector<Region> held;
      for (int i = 0; i < 1000; ++i) {
        while (i == 500 && !anew) std::this_thread::yield();
        const auto tag = static_cast<Tag>(random() % kTagCount);
        const uint64_t bytes = (1 + random() % 8) * kPageSize;
        if (held.size() < 5 && random() % 2 == 0) {
          auto region = random() % 4 == 0 ? Region::map(memory, tag, bytes)
                                          : Region::allocate(memory, tag, bytes);
          if (!region.ok()) continue;
          region.value().data()[0] = std::byte(seed);
          held.push_back(std::move(region.value()));
        } else if (!held.empty()) {
          std::swap(held[random() % held.size()], held.back());
          EXPECT_EQ(held.back().data()[0], std::byte(seed));
          held.pop_back();
        }
        if (i % 100 == 0) {
          (void)memory.usage();
          (void)memory.blocks();
          (void)memory.available();
        }
      }
    };
    std::vector<std::thread> threads;
    for (const uint64_t seed : {1, 2, 3}) threads.emplace_back(churn, seed);
    memory.start_trace();  // anew, over what lives
    anew = true;
    for (std::thread& thread : threads) thread.join();
    const auto trace = memory.take_trace();
    EXPECT_GT(trace->events().size(), 100u);
    EXPECT_EQ(monitor.counters.snapshot().current, 0u);
    EXPECT_EQ(memory.usage().blocks, 0u);
    EXPECT_LE(memory.budget().peak(), kBudget);
  }
}

}  // namespace
}  // namespace hyperion
