#include "memory/run_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <random>
#include <vector>

#include "support/heap_resource.h"

namespace hyperion {
namespace {

constexpr uint64_t kUnit = RunHeap::kUnit;

TEST(RunHeap, TakesOnlyFromWhatItHasGrownBy) {
  HeapResource upstream;
  RunHeap heap(upstream);
  EXPECT_FALSE(heap.can_take(1));
  EXPECT_EQ(heap.take(1), nullptr);
  ASSERT_TRUE(heap.grow(4));
  EXPECT_TRUE(heap.can_take(RunHeap::kLargestRun));
  EXPECT_NE(heap.take(RunHeap::kLargestRun), nullptr);
  EXPECT_EQ(heap.reserved(), upstream.usage().reserved);
}

TEST(RunHeap, TheSmallestRunThatIsLargeEnoughIsCut) {
  HeapResource upstream;
  RunHeap heap(upstream);
  ASSERT_TRUE(heap.grow(1));
  std::byte* large = heap.take(9);
  heap.take(1);
  std::byte* small = heap.take(5);
  heap.take(1);
  heap.give(large);
  heap.give(small);
  EXPECT_EQ(heap.take(4), small);
  EXPECT_EQ(heap.take(6), large);
  EXPECT_EQ(heap.take(1), small + 4 * kUnit);
}

TEST(RunHeap, NeighboursBecomeOneRunInAnyOrder) {
  HeapResource upstream;
  std::array<size_t, 3> order{0, 1, 2};
  do {
    RunHeap heap(upstream);
    ASSERT_TRUE(heap.grow(1));
    std::array<std::byte*, 3> runs;
    for (std::byte*& run : runs) run = heap.take(20);
    heap.take(1);
    for (const size_t i : order) heap.give(runs[i]);
    EXPECT_EQ(heap.take(60), runs[0]);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(RunHeap, ALabelIsReadAtEveryUnit) {
  HeapResource upstream;
  RunHeap heap(upstream);
  ASSERT_TRUE(heap.grow(1));
  std::byte* first = heap.take(3, 7);
  std::byte* second = heap.take(2, 8);
  for (uint64_t at = 0; at < 3 * kUnit; at += 100) EXPECT_EQ(heap.label(first + at), 7u);
  for (uint64_t at = 0; at < 2 * kUnit; at += 100) EXPECT_EQ(heap.label(second + at), 8u);
}

TEST(RunHeap, ARefusedSegmentIsAskedForAgainInSmallerSizesThatWillDo) {
  HeapResource upstream(112 * kUnit);
  RunHeap heap(upstream);
  ASSERT_TRUE(heap.grow(50));
  EXPECT_EQ(heap.reserved(), 64 * kUnit);
  EXPECT_NE(heap.take(64), nullptr);
  EXPECT_FALSE(heap.grow(60));
  EXPECT_TRUE(heap.grow(48));
  EXPECT_EQ(heap.reserved(), 112 * kUnit);
  EXPECT_NE(heap.take(48), nullptr);
}

TEST(RunHeap, OfEmptySegmentsOneStaysUntilTrim) {
  HeapResource upstream;
  RunHeap heap(upstream);
  std::vector<std::byte*> runs;
  while (upstream.usage().blocks < 4) {
    ASSERT_TRUE(heap.can_take(64) || heap.grow(64));
    runs.push_back(heap.take(64));
  }
  for (std::byte* run : runs) heap.give(run);
  EXPECT_EQ(upstream.usage().blocks, 1u);
  EXPECT_EQ(heap.reserved(), upstream.usage().reserved);
  heap.trim();
  EXPECT_EQ(upstream.usage().blocks, 0u);
  EXPECT_EQ(heap.reserved(), 0u);
}

TEST(RunHeap, LongRandomUseKeepsEveryRunApart) {
  HeapResource upstream;
  RunHeap heap(upstream);
  std::mt19937 random(5);
  std::map<std::byte*, uint64_t> live;
  uint64_t live_bytes = 0;
  for (int i = 0; i < 50000; ++i) {
    if (live.size() > 300 || (!live.empty() && random() % 3 == 0)) {
      const auto victim = std::next(live.begin(), random() % live.size());
      heap.give(victim->first);
      live_bytes -= victim->second;
      live.erase(victim);
    } else {
      const uint32_t units = 1 + random() % RunHeap::kLargestRun;
      ASSERT_TRUE(heap.can_take(units) || heap.grow(units));
      std::byte* run = heap.take(units);
      ASSERT_NE(run, nullptr);
      const auto [place, added] = live.emplace(run, units * kUnit);
      ASSERT_TRUE(added);
      if (place != live.begin()) {
        const auto before = std::prev(place);
        ASSERT_LE(before->first + before->second, run);
      }
      if (const auto after = std::next(place); after != live.end()) {
        ASSERT_LE(run + units * kUnit, after->first);
      }
      live_bytes += units * kUnit;
    }
    ASSERT_LE(live_bytes, heap.reserved());
  }
  for (const auto& [run, bytes] : live) heap.give(run);
  heap.trim();
  EXPECT_EQ(heap.reserved(), 0u) << "every segment was one free run again";
}

}  // namespace
}  // namespace hyperion
