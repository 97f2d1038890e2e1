// A replay must tell what a real run would hold, to the byte: each source is run for real first.
#include "memory/replay.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "memory/engine_memory.h"
#include "platform/pages.h"
#include "support/block_model.h"
#include "support/sources.h"

namespace hyperion {
namespace {

using Kind = TraceEvent::Kind;

AllocatorConfig of(const SourceConfig& source, uint64_t budget = kUnlimited) {
  return {.budget = budget, .source = source};
}

TraceEvent allocation(uint64_t id, uint64_t bytes, uint32_t alignment = 16) {
  return {0, id, bytes, alignment, 0, Kind::allocate, Lifetime::transient};
}
TraceEvent event(Kind kind, uint64_t id = 0, uint64_t bytes = 0) {
  return {0, id, bytes, 16, 0, kind, Lifetime::transient};
}

// To a page: where a block that is aligned to more lies in an arena depends on the arena's address.
class ReplayOfSource : public testing::TestWithParam<NamedSource> {};

TEST_P(ReplayOfSource, HoldsWhatTheRealRunHeld) {
  for (const uint64_t seed : {1, 2, 3}) {
    auto allocator = std::move(Allocator::create(of(GetParam().config), 1).value());
    allocator->start_trace();
    std::mt19937_64 random(seed);
    std::vector<BlockHandle> live;
    uint64_t most = 0;
    Usage at_most;
    for (int i = 0; i < 30'000; ++i) {
      if (random() % 100 < (i / 3000 % 2 == 0 ? 60 : 40) || live.empty()) {
        const BlockHandle handle = allocator->allocate(
            random_request(random, GetParam().largest, std::min(GetParam().alignment, kPageSize)));
        if (handle != 0) live.push_back(handle);
      } else {
        std::swap(live[random() % live.size()], live.back());
        ASSERT_TRUE(allocator->free(live.back()));
        live.pop_back();
      }
      if (random() % 10'000 == 0) {
        allocator->reset();
        live.clear();
      }
      const auto now = static_cast<uint64_t>(allocator->statistics().whole().current);
      if (now <= most) continue;
      most = now;
      at_most = allocator->usage();
    }
    const auto trace = allocator->take_trace();
    ASSERT_EQ(trace->lost(), 0u);
    const Result<ReplayResult> replayed = replay(trace->events(), of(GetParam().config));
    ASSERT_TRUE(replayed.ok()) << replayed.status().message();
    const ReplayResult& result = replayed.value();
    EXPECT_FALSE(result.failed_at.has_value());
    EXPECT_EQ(result.reserved_peak, allocator->budget().peak());
    EXPECT_EQ(result.requested_peak, most);
    EXPECT_EQ(result.at_peak.reserved, at_most.reserved);
    EXPECT_EQ(result.at_peak.active, at_most.active);
    EXPECT_EQ(result.at_peak.requested, at_most.requested);
    EXPECT_EQ(result.at_peak.largest_free, at_most.largest_free);
    EXPECT_EQ(result.at_peak.blocks, at_most.blocks);
    EXPECT_GT(result.nanoseconds_per_operation, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Sources, ReplayOfSource, testing::ValuesIn(kSources), name_of_source);

// The engine's memory as a session uses it: whole pages by tag, and pages beside the strategy.
void churn(EngineMemory& memory, std::mt19937_64& random) {
  struct Block {
    Tag tag;
    std::byte* data;
    uint64_t bytes;
    bool mapped;
  };
  std::vector<Block> live;
  const auto give_back = [&](const Block& block) {
    block.mapped ? memory.unmap_pages(block.tag, block.data, block.bytes)
                 : memory.free(block.tag, block.data, block.bytes);
  };
  for (int i = 0; i < 5000; ++i) {
    if (live.empty() || random() % 2 == 0) {
      const auto tag = static_cast<Tag>(random() % kTagCount);
      const uint64_t bytes = (1 + random() % 30) * kPageSize;
      const bool mapped = random() % 8 == 0;
      const auto block = mapped ? memory.map_pages(tag, bytes) : memory.allocate(tag, bytes);
      if (block.ok()) live.push_back({tag, block.value(), bytes, mapped});
    } else {
      std::swap(live[random() % live.size()], live.back());
      give_back(live.back());
      live.pop_back();
    }
  }
  for (const Block& block : live) give_back(block);
}

TEST(Replay, OfASessionsMemoryHoldsWhatItHeld) {
  for (const NamedSource& source : kSources) {
    const auto* strategy = std::get_if<StrategyConfig>(&source.config);
    if (strategy == nullptr) continue;
    Monitor monitor;
    EngineMemory memory(kUnlimited, monitor);
    ASSERT_TRUE(memory.use(*strategy).ok());
    memory.start_trace();
    std::mt19937_64 random(5);
    churn(memory, random);
    const auto trace = memory.take_trace();
    const Result<ReplayResult> result = replay(trace->events(), of(*strategy));
    ASSERT_TRUE(result.ok()) << source.name << ": " << result.status().message();
    EXPECT_EQ(result.value().reserved_peak, memory.budget().peak()) << source.name;
    EXPECT_EQ(result.value().requested_peak, monitor.counters.snapshot().peak) << source.name;
  }
}

TEST(Replay, OfARunUnderABudgetFitsThatBudget) {
  constexpr uint64_t budget = 500 * kPageSize;
  for (const StrategyConfig::Kind kind :
       {StrategyConfig::Kind::pooled, StrategyConfig::Kind::dynamic,
        StrategyConfig::Kind::hybrid}) {
    Monitor monitor;
    EngineMemory memory(budget, monitor);
    ASSERT_TRUE(memory.use({.kind = kind}).ok());
    memory.start_trace();
    std::mt19937_64 random(6);
    churn(memory, random);
    const auto trace = memory.take_trace();
    const Result<ReplayResult> result =
        replay(trace->events(), of(StrategyConfig{.kind = kind}, budget));
    ASSERT_TRUE(result.ok());
    EXPECT_FALSE(result.value().failed_at.has_value()) << static_cast<int>(kind);
    EXPECT_LE(result.value().reserved_peak, budget);
  }
}

TEST(Replay, StopsWhereTheFirstBlockIsRefused) {
  const TraceEvent events[] = {allocation(1, 3 * kPageSize, kPageSize), event(Kind::free, 1),
                               allocation(2, 2 * kPageSize, kPageSize),
                               allocation(3, 5 * kPageSize, kPageSize),
                               allocation(4, 1 * kPageSize, kPageSize)};
  const Result<ReplayResult> result = replay(events, of(StrategyConfig{}, 5 * kPageSize));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.value().failed_at, 3u);
  EXPECT_EQ(result.value().failure.code(), Code::over_budget);
  // What came before counts, and the peak is that of what came before.
  EXPECT_EQ(result.value().requested_peak, 3 * kPageSize);
  EXPECT_EQ(result.value().at_peak.requested, 3 * kPageSize);
  EXPECT_EQ(result.value().reserved_peak, 3 * kPageSize);
}

TEST(Replay, ALimitRefusesToo) {
  const TraceEvent events[] = {allocation(1, 60), allocation(2, 41)};
  AllocatorConfig config = of(StrategyConfig{});
  config.limit = 100;
  const Result<ReplayResult> result = replay(events, config);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.value().failed_at, 1u);
}

TEST(Replay, PagesBesideTheSourceStayOverAReset) {
  const TraceEvent events[] = {
      event(Kind::map, 1, 2 * kPageSize), allocation(2, kPageSize, kPageSize), event(Kind::reset),
      allocation(3, 3 * kPageSize, kPageSize), event(Kind::unmap, 1, 2 * kPageSize)};
  const Result<ReplayResult> result = replay(events, of(StrategyConfig{}));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.value().requested_peak, 5 * kPageSize);
  EXPECT_EQ(result.value().reserved_peak, 5 * kPageSize);
  EXPECT_EQ(result.value().at_peak.requested, 3 * kPageSize) << "of the source alone";
}

TEST(Replay, WhatIsLiveAtTheEndGoesBack) {
  const uint64_t before = live_bytes();
  const TraceEvent events[] = {event(Kind::map, 1, kPageSize), allocation(2, kPageSize, kPageSize)};
  ASSERT_TRUE(replay(events, of(StrategyConfig{})).ok());
  EXPECT_EQ(live_bytes(), before);
}

TEST(Replay, MalformedTracesAreInvalid) {
  const auto code = [](std::initializer_list<TraceEvent> events) {
    return replay({events.begin(), events.size()}, of(StrategyConfig{})).status().code();
  };
  EXPECT_EQ(code({event(Kind::free, 1, 16)}), Code::invalid) << "never allocated";
  EXPECT_EQ(code({allocation(1, 16), event(Kind::free, 1), event(Kind::free, 1)}), Code::invalid);
  EXPECT_EQ(code({allocation(1, 16), allocation(1, 16)}), Code::invalid) << "lives already";
  EXPECT_EQ(code({allocation(1, 16), event(Kind::unmap, 1)}), Code::invalid) << "was not mapped";
  EXPECT_EQ(code({allocation(1, 16), event(Kind::reset), event(Kind::free, 1)}), Code::invalid);
  EXPECT_EQ(code({allocation(1, 0)}), Code::invalid);
  EXPECT_EQ(code({allocation(1, kLargestBlock + 1)}), Code::invalid);
  EXPECT_EQ(code({allocation(1, 16, 0)}), Code::invalid);
  EXPECT_EQ(code({allocation(1, 16, 24)}), Code::invalid);
  EXPECT_EQ(code({allocation(1, 16, 2 * kLargestAlignment)}), Code::invalid);
  EXPECT_EQ(replay({}, of(StrategyConfig{.kind = StrategyConfig::Kind::fixed})).status().code(),
            Code::invalid)
      << "a source that cannot be";
  EXPECT_TRUE(replay({}, of(StrategyConfig{})).ok());
}

}  // namespace
}  // namespace hyperion
