#include "memory/budget.h"

#include <gtest/gtest.h>

#include <thread>

#include "memory/region.h"

namespace hyperion {
namespace {

TEST(Budget, ChargesUpToTheLimitAndNotAByteMore) {
  Monitor monitor;
  Budget budget(100, monitor);
  EXPECT_TRUE(budget.charge(Tag::weights, 60).ok());
  EXPECT_TRUE(budget.charge(Tag::scratch, 40).ok());
  const Status refused = budget.charge(Tag::scratch, 1);
  EXPECT_EQ(refused.code(), Code::over_budget);
  EXPECT_EQ(monitor.counters.snapshot().current, 100u);
  budget.release(Tag::weights, 60);
  budget.release(Tag::scratch, 40);
  EXPECT_EQ(budget.available(), 100u);
  EXPECT_EQ(monitor.counters.snapshot().peak, 100u);
}

TEST(Budget, ReclaimsUntilTheBytesFit) {
  Monitor monitor;
  Budget budget(100, monitor);
  int reclaimed = 0;
  budget.set_reclaim([&] {
    if (reclaimed == 3) return false;
    ++reclaimed;
    budget.release(Tag::weights, 30);
    return true;
  });
  EXPECT_TRUE(budget.charge(Tag::weights, 90).ok());
  EXPECT_TRUE(budget.charge(Tag::activations, 50).ok());
  EXPECT_EQ(reclaimed, 2);
  EXPECT_FALSE(budget.charge(Tag::activations, 60).ok());
  EXPECT_EQ(reclaimed, 3);
  budget.release(Tag::activations, 50);
}

TEST(Budget, AnOverflowingChargeIsRefused) {
  Monitor monitor;
  Budget budget(kUnlimited, monitor);
  EXPECT_TRUE(budget.try_charge(Tag::weights, 10));
  EXPECT_FALSE(budget.try_charge(Tag::weights, kUnlimited - 5));
  budget.release(Tag::weights, 10);
}

TEST(Budget, TheProcessTotalFollowsAllBudgets) {
  const uint64_t before = live_bytes();
  Monitor monitor;
  Budget first(100, monitor);
  Budget second(100, monitor);
  EXPECT_TRUE(first.try_charge(Tag::weights, 60));
  EXPECT_TRUE(second.try_charge(Tag::scratch, 70));
  EXPECT_EQ(live_bytes(), before + 130);
  first.release(Tag::weights, 60);
  second.release(Tag::scratch, 70);
  EXPECT_EQ(live_bytes(), before);
}

TEST(Region, IsChargedInWholePagesWhileItLives) {
  Monitor monitor;
  Budget budget(16384, monitor);
  {
    Result<Region> region = Region::allocate(budget, Tag::kv_cache, 4097);
    ASSERT_TRUE(region.ok());
    EXPECT_EQ(region.value().size(), 8192u);
    EXPECT_EQ(monitor.counters.snapshot().by_tag[index_of(Tag::kv_cache)], 8192u);
    Region moved = std::move(region.value());
    EXPECT_EQ(monitor.counters.snapshot().current, 8192u);
    EXPECT_EQ(Region::try_allocate(budget, Tag::scratch, 8193).status().code(), Code::over_budget);
  }
  EXPECT_EQ(monitor.counters.snapshot().current, 0u);
}

TEST(Region, IsNotChargedWhenTheSystemRefusesThePages) {
  Monitor monitor;
  Budget budget(kUnlimited, monitor);
  const Result<Region> region = Region::allocate(budget, Tag::weights, 1ull << 60);
  EXPECT_EQ(region.status().code(), Code::out_of_memory);
  EXPECT_EQ(monitor.counters.snapshot().current, 0u);
}

TEST(Region, OfNoBytesHoldsNothing) {
  Monitor monitor;
  Budget budget(0, monitor);
  EXPECT_TRUE(Region::allocate(budget, Tag::weights, 0).ok());
  EXPECT_EQ(monitor.counters.snapshot().allocations, 0u);
}

TEST(Region, LargeOnesStartAtAHugePageAndLeaveNothingMapped) {
  Monitor monitor;
  Budget budget(kUnlimited, monitor);
  Result<Region> region = Region::allocate(budget, Tag::weights, kHugePageSize + kPageSize);
  ASSERT_TRUE(region.ok());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(region.value().data()) % kHugePageSize, 0u);
  region.value().data()[kHugePageSize + kPageSize - 1] = std::byte{1};
}

TEST(Budget, ThreadsNeverExceedTheLimitTogether) {
  Monitor monitor;
  Budget budget(10, monitor);
  const auto churn = [&] {
    for (int i = 0; i < 5000; ++i) {
      if (budget.try_charge(Tag::weights, 4)) budget.release(Tag::weights, 4);
    }
  };
  std::thread first(churn);
  std::thread second(churn);
  churn();
  first.join();
  second.join();
  EXPECT_LE(monitor.counters.snapshot().peak, 8u);
  EXPECT_EQ(budget.available(), 10u);
}

}  // namespace
}  // namespace hyperion
