#include "monitoring/counters.h"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>

namespace hyperion {
namespace {

TEST(Counters, KeepEachTagsOwnPeak) {
  Counters counters;
  counters.add(Tag::weights, 100);
  counters.subtract(Tag::weights, 100);
  counters.add(Tag::scratch, 30);
  const MemoryCounts counts = counters.snapshot();
  EXPECT_EQ(counts.current, 30u);
  EXPECT_EQ(counts.peak, 100u);
  EXPECT_EQ(counts.total_allocated, 130u);
  EXPECT_EQ(counts.allocations, 2u);
  EXPECT_EQ(counts.peak_by_tag[index_of(Tag::weights)], 100u);
  EXPECT_EQ(counts.by_tag[index_of(Tag::weights)], 0u);
  EXPECT_EQ(counts.peak_by_tag[index_of(Tag::scratch)], 30u);
}

TEST(Counters, SnapshotsAreConsistentWhileThreadsCount) {
  Counters counters;
  const auto count = [&](Tag tag) {
    for (int i = 0; i < 2000; ++i) {
      counters.add(tag, 3);
      counters.subtract(tag, 3);
    }
  };
  std::thread first(count, Tag::weights);
  std::thread second(count, Tag::kv_cache);
  for (int i = 0; i < 500; ++i) {
    const MemoryCounts counts = counters.snapshot();
    EXPECT_EQ(counts.current, std::accumulate(counts.by_tag.begin(), counts.by_tag.end(), 0ull));
    EXPECT_LE(counts.current, counts.peak);
  }
  first.join();
  second.join();
  EXPECT_EQ(counters.snapshot().current, 0u);
  EXPECT_EQ(counters.snapshot().total_allocated, 12000u);
  EXPECT_LE(counters.snapshot().peak, 6u);
}

}  // namespace
}  // namespace hyperion
