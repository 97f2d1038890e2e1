#include "memory/allocator.h"

#include <gtest/gtest.h>

#include <bit>
#include <numeric>
#include <random>

#include "monitoring/process_usage.h"
#include "platform/pages.h"
#include "support/block_model.h"
#include "support/sources.h"
#include "support/status_details.h"

namespace hyperion {
namespace {

std::unique_ptr<Allocator> make(const SourceConfig& source, uint64_t budget = kUnlimited,
                                uint64_t limit = kUnlimited) {
  return std::move(Allocator::create({budget, limit, source}, 1).value());
}
std::unique_ptr<Allocator> dynamic(uint64_t budget = kUnlimited, uint64_t limit = kUnlimited) {
  return make(StrategyConfig{}, budget, limit);
}

class AllocatorOver : public testing::TestWithParam<NamedSource> {
 protected:
  Request next() { return random_request(random_, GetParam().largest, GetParam().alignment); }

  const uint64_t process_before_ = process_usage.current();
  const uint64_t pages_before_ = live_bytes();
  std::unique_ptr<Allocator> allocator_ = make(GetParam().config);
  std::mt19937_64 random_{21};
};

// Every number that is shown, against one kept by hand, over a long run with all that can happen.
TEST_P(AllocatorOver, CountsEveryByteOnceWhateverHappens) {
  std::vector<std::pair<BlockHandle, uint64_t>> live;
  uint64_t bytes = 0;
  uint64_t peak = 0;
  const auto check = [&] {
    ASSERT_EQ(allocator_->blocks().size(), live.size());
    ASSERT_EQ(allocator_->usage().requested, bytes);
    ASSERT_EQ(allocator_->usage().blocks, live.size());
    ASSERT_LE(allocator_->usage().active, allocator_->usage().reserved);
    ASSERT_EQ(allocator_->usage().reserved, allocator_->budget().charged());
    ASSERT_EQ(process_usage.current(), process_before_ + bytes);
    ASSERT_EQ(allocator_->statistics().whole().current, static_cast<int64_t>(bytes));
    ASSERT_EQ(allocator_->statistics().whole().peak, static_cast<int64_t>(peak));
  };
  for (int i = 0; i < 20'000; ++i) {
    if (random_() % 100 < (i / 4000 % 2 == 0 ? 60 : 40) || live.empty()) {
      const Request request = next();
      if (const BlockHandle handle = allocator_->allocate(request)) {
        live.emplace_back(handle, request.bytes);
        bytes += request.bytes;
        peak = std::max(peak, bytes);
      }
    } else {
      std::swap(live[random_() % live.size()], live.back());
      ASSERT_TRUE(allocator_->free(live.back().first));
      ASSERT_FALSE(allocator_->free(live.back().first)) << "twice";
      bytes -= live.back().second;
      live.pop_back();
    }
    switch (random_() % 4000) {
      case 0:
        allocator_->reset();
        live.clear();
        bytes = 0;
        break;
      case 1:
        allocator_->trim();
        break;
      case 2:
        allocator_->track(random_() % 2 == 0);
        break;
      case 3:
        random_() % 2 == 0 ? allocator_->start_trace() : void(allocator_->take_trace());
        break;
    }
    if (i % 37 == 0) check();
  }
  check();
  allocator_.reset();
  EXPECT_EQ(process_usage.current(), process_before_);
  EXPECT_EQ(live_bytes(), pages_before_);
}

TEST_P(AllocatorOver, ManyAtOnceAreTheSameAsOneByOne) {
  std::vector<double> sizes(500);
  for (double& size : sizes) size = static_cast<double>(next().bytes);
  const double sum = std::accumulate(sizes.begin(), sizes.end(), 0.0);
  std::vector<double> handles(sizes.size());
  ASSERT_EQ(allocator_->allocate_many({0}, sizes, handles), 500u);
  EXPECT_EQ(static_cast<double>(process_usage.current() - process_before_), sum);
  EXPECT_EQ(allocator_->usage().blocks, 500u);
  for (size_t i = 0; i < handles.size(); ++i) {
    ASSERT_EQ(allocator_->blocks().find(static_cast<BlockHandle>(handles[i]))->bytes(), sizes[i]);
  }
  std::swap(handles[300], handles[0]);
  const double twice = handles[1];
  handles[400] = twice;
  EXPECT_EQ(allocator_->free_many(handles), 400u) << "up to the one that is freed twice";
  EXPECT_EQ(allocator_->usage().blocks, 100u);
  EXPECT_EQ(process_usage.current() - process_before_, allocator_->usage().requested);
}

TEST_P(AllocatorOver, ARefusalHasTheNumbersThatExplainIt) {
  const uint64_t most = (allocator_->budget().charged() + (1 << 20)) / kPageSize * kPageSize;
  ASSERT_TRUE(allocator_->set_limits(most, kUnlimited).ok());
  Request request = next();
  while (allocator_->allocate(request) != 0) request = next();
  const Status refusal = allocator_->refusal(request);
  EXPECT_TRUE(refusal.code() == Code::over_budget || refusal.code() == Code::out_of_memory);
  const Usage now = allocator_->usage();
  // What is needed may be a chunk or a slab in which the block would have lain.
  EXPECT_GE(detail(refusal, "neededBytes"), request.bytes);
  EXPECT_EQ(detail(refusal, "liveBytes"), now.requested);
  EXPECT_EQ(detail(refusal, "liveBlocks"), now.blocks);
  EXPECT_EQ(detail(refusal, "reservedBytes"), now.reserved);
  EXPECT_EQ(detail(refusal, "unusedBytes"), now.reserved - now.active);
}

INSTANTIATE_TEST_SUITE_P(Sources, AllocatorOver, testing::ValuesIn(kSources), name_of_source);

TEST(Allocator, ImpossibleSourcesAreRefusedAndHoldNothing) {
  const uint64_t before = live_bytes();
  const auto code = [](const SourceConfig& source, uint64_t budget) {
    return Allocator::create({.budget = budget, .source = source}, 1).status().code();
  };
  EXPECT_EQ(code(StrategyConfig{.kind = StrategyConfig::Kind::fixed}, kUnlimited), Code::invalid);
  EXPECT_EQ(code(PoolSource{{.size = 10, .block_size = 64}}, kUnlimited), Code::invalid);
  EXPECT_EQ(code(PoolSource{{.size = 1 << 20, .block_size = 64}}, 1 << 19), Code::over_budget);
  EXPECT_EQ(code(StrategyConfig{.kind = StrategyConfig::Kind::hybrid}, 1 << 19), Code::over_budget);
  EXPECT_EQ(live_bytes(), before);
}

TEST(Allocator, TheLimitBoundsWhatIsAskedForAndTheBudgetWhatIsHeld) {
  auto allocator = dynamic(8 * kPageSize, 3 * kPageSize);
  const BlockHandle block = allocator->allocate({2 * kPageSize, kPageSize});
  ASSERT_NE(block, 0u);
  EXPECT_EQ(allocator->allocate({kPageSize + 1, kPageSize}), 0u);
  EXPECT_EQ(allocator->refusal({kPageSize + 1, kPageSize}).code(), Code::over_budget);
  EXPECT_EQ(detail(allocator->refusal({kPageSize + 1, kPageSize}), "limitBytes"), 3 * kPageSize);
  EXPECT_EQ(allocator->set_limits(8 * kPageSize, kPageSize).code(), Code::invalid);
  EXPECT_EQ(allocator->set_limits(kPageSize, 4 * kPageSize).code(), Code::invalid);
  EXPECT_EQ(allocator->limit(), 3 * kPageSize) << "both stay when one is refused";
  EXPECT_EQ(allocator->budget().limit(), 8 * kPageSize);
  ASSERT_TRUE(allocator->set_limits(2 * kPageSize, kUnlimited).ok());
  EXPECT_EQ(allocator->allocate({1, kPageSize}), 0u);
  EXPECT_TRUE(allocator->free(block));
  EXPECT_NE(allocator->allocate({1, kPageSize}), 0u);
}

TEST(Allocator, HandlesOfAnotherAllocatorAreNone) {
  auto first = std::move(Allocator::create({}, 1).value());
  auto second = std::move(Allocator::create({}, 2).value());
  const BlockHandle block = first->allocate({100});
  EXPECT_FALSE(second->free(block));
  const double strange[] = {0.0 / 0.0};
  EXPECT_EQ(first->free_many(strange), 0u);
  const double beyond[] = {0x1p60};
  EXPECT_EQ(first->free_many(beyond), 0u);
  EXPECT_TRUE(first->free(block));
}

TEST(Allocator, ManyOfTooFewSizesAreNone) {
  auto allocator = dynamic();
  const double sizes[] = {10, 20};
  double handles[3] = {};
  EXPECT_EQ(allocator->allocate_many({0}, sizes, handles), 0u);
  EXPECT_EQ(allocator->allocate_many({64}, {}, handles), 3u);
  EXPECT_EQ(allocator->usage().requested, 192u);
}

TEST(Allocator, ManyStopAtTheFirstThatIsRefused) {
  const uint64_t before = process_usage.current();
  auto allocator = dynamic(kUnlimited, 1000);
  double handles[20] = {};
  EXPECT_EQ(allocator->allocate_many({300}, {}, handles), 3u);
  EXPECT_EQ(handles[3], 0.0);
  EXPECT_EQ(process_usage.current(), before + 900);
}

TEST(Allocator, TheProcessPeakIsThatOfAllTogether) {
  auto first = dynamic();
  auto second = dynamic();
  // Above whatever other tests have reached.
  const uint64_t high = process_usage.peak() - process_usage.current() + 1000;
  double handle[1];
  const double size[] = {static_cast<double>(high)};
  ASSERT_EQ(first->allocate_many({0}, size, handle), 1u);
  const uint64_t peak = process_usage.peak();
  EXPECT_EQ(peak, process_usage.current());
  ASSERT_NE(second->allocate({500}), 0u);
  EXPECT_EQ(process_usage.peak(), peak + 500);
  first->reset();
  EXPECT_EQ(process_usage.peak(), peak + 500);
}

TEST(Allocator, ATraceBeginsWithWhatLivesAndEndsWhenItIsTaken) {
  auto allocator = dynamic();
  const BlockHandle gone = allocator->allocate({10});
  const BlockHandle old = allocator->allocate({20, 64, 5, Lifetime::lasting});
  allocator->free(gone);
  EXPECT_EQ(allocator->take_trace(), nullptr);
  allocator->start_trace();
  allocator->free(old);
  allocator->allocate({30});
  allocator->reset();
  const auto trace = allocator->take_trace();
  allocator->allocate({40});
  ASSERT_EQ(trace->events().size(), 4u);
  EXPECT_EQ(trace->events()[0].bytes, 20u);
  EXPECT_EQ(trace->events()[0].alignment, 64u);
  EXPECT_EQ(trace->events()[0].tag, 5u);
  EXPECT_EQ(trace->events()[0].lifetime, Lifetime::lasting);
  EXPECT_EQ(trace->events()[1].kind, TraceEvent::Kind::free);
  EXPECT_EQ(trace->events()[1].id, trace->events()[0].id);
  EXPECT_EQ(trace->events()[2].bytes, 30u);
  EXPECT_EQ(trace->events()[3].kind, TraceEvent::Kind::reset);
}

TEST(Allocator, TrackingCountsSizesLifetimesAndFreesOfTheNewest) {
  auto allocator = dynamic();
  const BlockHandle before = allocator->allocate({9});
  allocator->track(true);
  const BlockHandle first = allocator->allocate({100});
  const BlockHandle second = allocator->allocate({127});
  const BlockHandle third = allocator->allocate({128});
  allocator->free(third);   // the newest
  allocator->free(first);   // not the newest
  allocator->free(second);  // the newest of what is left
  allocator->free(before);  // was not followed
  const BlockTracker& tracker = *allocator->tracker();
  EXPECT_EQ(tracker.sizes()[6].blocks, 2u);
  EXPECT_EQ(tracker.sizes()[6].bytes, 227u);
  EXPECT_EQ(tracker.sizes()[7].blocks, 1u);
  EXPECT_EQ(tracker.newest_first(), 2u);
  const auto& lifetimes = tracker.lifetimes();
  EXPECT_EQ(std::accumulate(lifetimes.begin(), lifetimes.end(), uint64_t{0}), 3u);
  const std::vector<UsageSample> samples = tracker.samples();
  ASSERT_EQ(samples.size(), 7u);
  EXPECT_EQ(samples.front().requested, 109u);
  EXPECT_EQ(samples.back().requested, 0u);
  allocator->track(false);
  EXPECT_EQ(allocator->tracker(), nullptr);
}

TEST(Allocator, ATimelineKeepsTheNewestSamples) {
  auto allocator = dynamic();
  allocator->track(true);
  for (uint64_t i = 1; i <= BlockTracker::kSamples + 10; ++i) allocator->allocate({16});
  const std::vector<UsageSample> samples = allocator->tracker()->samples();
  ASSERT_EQ(samples.size(), BlockTracker::kSamples);
  EXPECT_EQ(samples.front().requested, 11u * 16);
  EXPECT_EQ(samples.back().requested, (BlockTracker::kSamples + 10) * 16);
}

}  // namespace
}  // namespace hyperion
