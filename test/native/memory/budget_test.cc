#include "memory/budget.h"

#include <gtest/gtest.h>

#include <thread>

#include "memory/pages.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

TEST(Budget, ChargesUpToTheLimitAndNotAByteMore) {
  Budget budget(100);
  EXPECT_TRUE(budget.try_charge(60));
  EXPECT_TRUE(budget.try_charge(40));
  EXPECT_FALSE(budget.try_charge(1));
  EXPECT_EQ(budget.available(), 0u);
  budget.release(100);
  EXPECT_EQ(budget.available(), 100u);
  EXPECT_EQ(budget.peak(), 100u);
}

TEST(Budget, AnOverflowingChargeIsRefused) {
  Budget budget(kUnlimited);
  EXPECT_TRUE(budget.try_charge(10));
  EXPECT_FALSE(budget.try_charge(kUnlimited - 5));
  budget.release(10);
}

TEST(Budget, ALimitBelowWhatIsHeldIsRefusedAndTheOldOneStays) {
  Budget budget(100);
  EXPECT_TRUE(budget.try_charge(60));
  EXPECT_EQ(budget.set_limit(59).code(), Code::invalid);
  EXPECT_EQ(budget.limit(), 100u);
  EXPECT_TRUE(budget.set_limit(60).ok());
  EXPECT_FALSE(budget.try_charge(1));
  budget.release(60);
}

TEST(Budget, TheProcessTotalFollowsAllBudgets) {
  const uint64_t before = live_bytes();
  Budget first(100);
  Budget second(100);
  EXPECT_TRUE(first.try_charge(60));
  EXPECT_TRUE(second.try_charge(70));
  EXPECT_EQ(live_bytes(), before + 130);
  first.release(60);
  second.release(70);
  EXPECT_EQ(live_bytes(), before);
}

TEST(Budget, ThreadsNeverExceedTheLimitTogether) {
  Budget budget(10);
  const auto churn = [&] {
    for (int i = 0; i < 5000; ++i) {
      if (budget.try_charge(4)) budget.release(4);
    }
  };
  std::thread first(churn);
  std::thread second(churn);
  churn();
  first.join();
  second.join();
  EXPECT_LE(budget.peak(), 8u);
  EXPECT_EQ(budget.available(), 10u);
}

TEST(Pages, AreChargedWholeWhileTheyAreMapped) {
  Budget budget(2 * kPageSize);
  Pages pages(budget);
  const Request request = {kPageSize + 1};
  std::byte* block = pages.allocate(request);
  ASSERT_NE(block, nullptr);
  block[2 * kPageSize - 1] = std::byte{1};
  EXPECT_EQ(pages.usage().reserved, 2 * kPageSize);
  EXPECT_EQ(pages.allocate({1}), nullptr);
  EXPECT_EQ(pages.refusal({1}).code(), Code::over_budget);
  pages.free(block, request);
  EXPECT_EQ(budget.available(), 2 * kPageSize);
}

TEST(Pages, AreNotChargedWhenTheSystemRefusesThem) {
  Budget budget(kUnlimited);
  Pages pages(budget);
  const Request request = {kLargestBlock};
  EXPECT_EQ(pages.allocate(request), nullptr);
  EXPECT_EQ(pages.refusal(request).code(), Code::out_of_memory);
  EXPECT_EQ(budget.charged(), 0u);
}

TEST(Pages, StartWhereTheRequestSays) {
  Budget budget(kUnlimited);
  Pages pages(budget);
  for (uint64_t alignment = kPageSize; alignment <= kLargestAlignment; alignment *= 2) {
    const Request request = {3 * kPageSize, alignment};
    std::byte* block = pages.allocate(request);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % alignment, 0u);
    pages.free(block, request);
  }
}

}  // namespace
}  // namespace hyperion
