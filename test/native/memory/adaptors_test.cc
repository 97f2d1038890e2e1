#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "memory/adaptors/limit.h"
#include "memory/adaptors/on_failure.h"
#include "memory/adaptors/statistics.h"
#include "memory/adaptors/synchronized.h"
#include "memory/adaptors/trace.h"
#include "memory/adaptors/tracking.h"
#include "memory/pooled.h"
#include "support/heap_resource.h"
#include "support/status_details.h"

namespace hyperion {
namespace {

TEST(Limit, HoldsRequestedBytesToTheLastByte) {
  HeapResource upstream;
  Limit limit(upstream, 100);
  std::byte* const block = limit.allocate({60});
  EXPECT_EQ(limit.allocate({41}), nullptr);
  const Status status = limit.refusal({41});
  EXPECT_EQ(status.code(), Code::over_budget);
  EXPECT_EQ(detail(status, "neededBytes"), 41);
  EXPECT_EQ(detail(status, "limitBytes"), 100);
  EXPECT_EQ(detail(status, "liveBytes"), 60);
  std::byte* const rest = limit.allocate({40});
  EXPECT_NE(rest, nullptr);
  EXPECT_EQ(limit.usage().largest_free, 0u);
  limit.free(block, {60});
  EXPECT_EQ(limit.used(), 40u);
  limit.free(rest, {40});
}

TEST(Limit, IsNotLoweredBelowWhatIsInUse) {
  HeapResource upstream;
  Limit limit(upstream, 100);
  std::byte* const block = limit.allocate({60});
  EXPECT_EQ(limit.set_limit(59).code(), Code::invalid);
  EXPECT_EQ(limit.limit(), 100u);
  EXPECT_TRUE(limit.set_limit(60).ok());
  EXPECT_EQ(limit.allocate({1}), nullptr);
  limit.free(block, {60});
}

TEST(Limit, AnUpstreamsRefusalIsItsOwn) {
  HeapResource upstream(10);
  Limit limit(upstream, 100);
  EXPECT_EQ(limit.allocate({60}), nullptr);
  EXPECT_EQ(limit.refusal({60}).code(), Code::out_of_memory);
  EXPECT_EQ(limit.used(), 0u);
}

TEST(Limit, AResetMakesAllOfItFree) {
  HeapResource upstream;
  Limit limit(upstream, 100);
  limit.allocate({60});
  limit.reset();
  std::byte* const block = limit.allocate({100});
  EXPECT_NE(block, nullptr);
  limit.free(block, {100});
}

TEST(Statistics, CountsBytesAndBlocks) {
  HeapResource upstream(100);
  Statistics statistics(upstream);
  std::byte* const block = statistics.allocate({60});
  EXPECT_EQ(statistics.allocate({60}), nullptr);
  statistics.free(block, {60});
  std::byte* const other = statistics.allocate({50});
  const AllocationCounters& counters = statistics.counters();
  EXPECT_EQ(counters.current, 50);
  EXPECT_EQ(counters.peak, 60);
  EXPECT_EQ(counters.total_allocated, 110u);
  EXPECT_EQ(counters.allocations, 2u);
  EXPECT_EQ(counters.frees, 1u);
  statistics.free(other, {50});
}

TEST(Statistics, APhaseHasAPeakOfItsOwnAndAddsToTheOneAroundIt) {
  HeapResource upstream;
  Statistics statistics(upstream);
  std::byte* const before = statistics.allocate({100});
  statistics.push();
  EXPECT_EQ(statistics.counters().current, 0);
  std::byte* const within = statistics.allocate({70});
  statistics.free(before, {100});
  EXPECT_EQ(statistics.counters().current, -30);
  const Result<AllocationCounters> phase = statistics.pop();
  ASSERT_TRUE(phase.ok());
  EXPECT_EQ(phase.value().peak, 70);
  EXPECT_EQ(phase.value().current, -30);
  EXPECT_EQ(statistics.counters().current, 70);
  EXPECT_EQ(statistics.counters().peak, 170);
  EXPECT_EQ(statistics.counters().allocations, 2u);
  EXPECT_EQ(statistics.pop().status().code(), Code::invalid);
  statistics.free(within, {70});
}

TEST(Statistics, AResetEndsInZeroOverAllLevels) {
  HeapResource upstream;
  Statistics statistics(upstream);
  statistics.allocate({100});
  statistics.push();
  statistics.allocate({50});
  statistics.reset();
  ASSERT_TRUE(statistics.pop().ok());
  EXPECT_EQ(statistics.counters().current, 0);
  EXPECT_EQ(statistics.counters().peak, 150);
  EXPECT_EQ(statistics.counters().frees, 2u);
}

TEST(Tracking, ListsWhatLivesOldestFirst) {
  HeapResource upstream;
  Tracking tracking(upstream);
  std::vector<std::byte*> blocks;
  for (uint16_t tag = 0; tag < 5; ++tag) blocks.push_back(tracking.allocate({10u + tag, 16, tag}));
  tracking.free(blocks[1], {11, 16, 1});
  const std::vector<LiveBlock> live = tracking.live();
  ASSERT_EQ(live.size(), 4u);
  EXPECT_EQ(live[0].address, blocks[0]);
  EXPECT_EQ(live[1].address, blocks[2]);
  EXPECT_EQ(live[1].bytes, 12u);
  EXPECT_EQ(live[1].tag, 2);
  EXPECT_EQ(live[1].sequence, 3u);
  tracking.reset();
  EXPECT_TRUE(tracking.live().empty());
}

// HeapResource fails the test when a misuse reaches it.
TEST(Tracking, MisuseStopsHereAndIsRemembered) {
  HeapResource upstream;
  Tracking tracking(upstream);
  std::byte* const block = tracking.allocate({10});
  std::byte foreign;
  EXPECT_EQ(tracking.free(block, {10, 16, 3}), FreeResult::freed);
  EXPECT_EQ(tracking.free(block, {10, 16, 3}), FreeResult::freed_before);
  EXPECT_EQ(tracking.free(&foreign, {1, 16, 4}), FreeResult::foreign);
  ASSERT_EQ(tracking.misuses().size(), 2u);
  EXPECT_EQ(tracking.misuses()[0].kind, FreeResult::freed_before);
  EXPECT_EQ(tracking.misuses()[0].address, block);
  EXPECT_EQ(tracking.misuses()[0].tag, 3);
  EXPECT_EQ(tracking.misuses()[1].kind, FreeResult::foreign);
  EXPECT_EQ(tracking.misuses()[1].bytes, 1u);
  for (int i = 0; i < 100; ++i) tracking.free(&foreign, {1});
  EXPECT_EQ(tracking.misuses().size(), Tracking::kRememberedMisuses);
}

TEST(Tracking, TheUpstreamGetsTheSizeThatWasAllocated) {
  HeapResource upstream;
  Tracking tracking(upstream);
  EXPECT_EQ(tracking.free(tracking.allocate({10}), {99}), FreeResult::freed);
}

TEST(Tracking, RemembersTheLast4096Frees) {
  HeapResource upstream;
  const auto pooled = std::move(Pooled::create({.block_size = 16}, upstream).value());
  Tracking tracking(*pooled);
  std::vector<std::byte*> blocks;
  for (size_t i = 0; i <= Tracking::kRememberedFrees; ++i) {
    blocks.push_back(tracking.allocate({16}));
  }
  for (std::byte* block : blocks) tracking.free(block, {16});
  EXPECT_EQ(tracking.free(blocks[0], {16}), FreeResult::foreign) << "forgotten";
  EXPECT_EQ(tracking.free(blocks[1], {16}), FreeResult::freed_before);
  EXPECT_EQ(tracking.free(blocks.back(), {16}), FreeResult::freed_before);
}

TEST(Tracking, AnAddressInUseAgainDoesNotCrowdOthersOut) {
  HeapResource upstream;
  const auto pooled = std::move(Pooled::create({.block_size = 16}, upstream).value());
  Tracking tracking(*pooled);
  std::byte* const first = tracking.allocate({16});
  std::byte* const kept = tracking.allocate({5000});
  tracking.free(kept, {5000});
  for (size_t i = 0; i < 2 * Tracking::kRememberedFrees; ++i) {
    tracking.free(tracking.allocate({16}), {16});
  }
  EXPECT_EQ(tracking.free(kept, {5000}), FreeResult::freed_before);
  tracking.free(first, {16});
}

TEST(OnFailure, AsksAgainAsLongAsTheCallbackFindsSomething) {
  HeapResource upstream(100);
  std::vector<std::byte*> cached;
  int calls = 0;
  OnFailure resource(upstream, [&](const Request& request) {
    EXPECT_EQ(request.bytes, 80u);
    ++calls;
    if (cached.empty()) return false;
    upstream.free(cached.back(), {30});
    cached.pop_back();
    return true;
  });
  for (int i = 0; i < 3; ++i) cached.push_back(upstream.allocate({30}));
  std::byte* const block = resource.allocate({80});
  EXPECT_NE(block, nullptr);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(resource.allocate({80}), nullptr);
  EXPECT_EQ(calls, 4) << "it had nothing left, and is not asked again";
  resource.free(block, {80});
}

TEST(Trace, NumbersBlocksFromOneAndFreesByThem) {
  HeapResource upstream;
  Trace trace(upstream);
  std::byte* const first = trace.allocate({10, 32, 7, Lifetime::lasting});
  std::byte* const second = trace.allocate({20});
  trace.free(first, {10, 32, 7, Lifetime::lasting});
  trace.free(second, {20});
  trace.reset();
  const auto& events = trace.events();
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0].kind, TraceEvent::Kind::allocate);
  EXPECT_EQ(events[0].id, 1u);
  EXPECT_EQ(events[0].bytes, 10u);
  EXPECT_EQ(events[0].alignment, 32u);
  EXPECT_EQ(events[0].tag, 7);
  EXPECT_EQ(events[0].lifetime, Lifetime::lasting);
  EXPECT_EQ(events[2].kind, TraceEvent::Kind::free);
  EXPECT_EQ(events[2].id, 1u);
  EXPECT_EQ(events[3].id, 2u);
  EXPECT_EQ(events[4].kind, TraceEvent::Kind::reset);
  for (size_t i = 1; i < events.size(); ++i) EXPECT_GE(events[i].time_ms, events[i - 1].time_ms);
}

TEST(Trace, HoldsTheFirstEventsAndCountsTheRest) {
  HeapResource upstream;
  Trace trace(upstream, 3);
  for (int i = 0; i < 5; ++i) trace.free(trace.allocate({16}), {16});
  EXPECT_EQ(trace.events().size(), 3u);
  EXPECT_EQ(trace.lost(), 7u);
}

TEST(Trace, AdoptsBlocksThatLiveAlready) {
  HeapResource upstream;
  std::byte* const known = upstream.allocate({10});
  std::byte* const unknown = upstream.allocate({20});
  Trace trace(upstream);
  trace.adopt(known, {10});
  trace.free(known, {10});
  trace.free(unknown, {20});
  ASSERT_EQ(trace.events().size(), 2u);
  EXPECT_EQ(trace.events()[1].id, 1u);
}

TEST(Synchronized, IsSharedByThreads) {
  HeapResource upstream;
  const auto pooled = std::move(Pooled::create({.block_size = 16}, upstream).value());
  Synchronized shared(*pooled);
  const auto churn = [&](uint64_t bytes) {
    std::vector<std::byte*> blocks;
    for (int round = 0; round < 200; ++round) {
      for (int i = 0; i < 20; ++i) {
        blocks.push_back(shared.allocate({bytes}));
        blocks.back()[0] = std::byte(bytes);
      }
      (void)shared.usage();
      for (std::byte* block : blocks) {
        EXPECT_EQ(block[0], std::byte(bytes));
        shared.free(block, {bytes});
      }
      blocks.clear();
      shared.trim();
    }
  };
  std::vector<std::thread> threads;
  for (const uint64_t bytes : {16, 100, 5000}) threads.emplace_back(churn, bytes);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(shared.usage().blocks, 0u);
}

}  // namespace
}  // namespace hyperion
