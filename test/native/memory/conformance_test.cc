// What every memory resource promises, asked of each in one suite. A resource joins with a line in
// the table below.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "memory/adaptors/limit.h"
#include "memory/adaptors/on_failure.h"
#include "memory/adaptors/statistics.h"
#include "memory/adaptors/synchronized.h"
#include "memory/adaptors/trace.h"
#include "memory/adaptors/tracking.h"
#include "memory/arena.h"
#include "memory/checked_pool.h"
#include "memory/dynamic.h"
#include "memory/fixed_pool.h"
#include "memory/hybrid.h"
#include "memory/pool_space.h"
#include "memory/pooled.h"
#include "memory/shared_pool.h"
#include "support/block_model.h"
#include "support/heap_resource.h"
#include "support/stacked.h"

namespace hyperion {
namespace {

using Made = std::unique_ptr<MemoryResource>;

constexpr uint64_t kUpstreamBytes = 32 << 20;
constexpr uint64_t kPoolBytes = 4 << 20;
constexpr uint64_t kBlockBytes = 4096;  // of the pools of one size

struct Subject {
  const char* name;
  Made (*make)(HeapResource& upstream);
  // The largest block and alignment that the suite may ask for.
  uint64_t largest = 256 << 10;
  uint64_t alignment = 64 << 10;
  // Whether freed room serves again in any order of frees.
  bool any_order = true;
  // Whether it tells blocks that were freed before or are foreign.
  bool keeps_records = false;
};

Made arena(HeapResource& upstream) {
  return std::move(Arena::create(upstream, kPoolBytes).value());
}
Made space(HeapResource& upstream) {
  return std::move(PoolSpace::create(upstream, kPoolBytes).value());
}
Made pooled(HeapResource& upstream) {
  return std::move(Pooled::create({}, upstream).value());
}
Made pooled_small(HeapResource& upstream) {
  return std::move(Pooled::create({.block_size = 48}, upstream).value());
}
Made pooled_prefilled(HeapResource& upstream) {
  return std::move(
      Pooled::create({.block_size = 64, .initial_pool_size = kPoolBytes}, upstream).value());
}
Made dynamic(HeapResource& upstream) {
  return std::make_unique<Dynamic>(upstream);
}
template <class Pool>
Made pool(HeapResource& upstream) {
  return std::move(
      Pool::create(upstream, {.size = 2 * kPoolBytes, .block_size = kBlockBytes}).value());
}
template <class Pool>
Made growing_pool(HeapResource& upstream) {
  return std::move(
      Pool::create(upstream,
                   {.size = 10 * kBlockBytes, .block_size = kBlockBytes, .growable = true})
          .value());
}

Made hybrid_with(bool optimize, HeapResource& upstream) {
  return std::move(
      Hybrid::create({.enable_optimization = optimize}, upstream, dynamic(upstream)).value());
}
Made hybrid(HeapResource& upstream) {
  return hybrid_with(false, upstream);
}
Made hybrid_optimizing(HeapResource& upstream) {
  return hybrid_with(true, upstream);
}

const Subject kSubjects[] = {
    {.name = "Arena",
     .make = arena,
     .largest = 32 << 10,
     .any_order = false,
     .keeps_records = true},
    {.name = "PoolSpace", .make = space},
    {.name = "Pooled", .make = pooled},
    {.name = "PooledSmall", .make = pooled_small},
    {.name = "PooledPrefilled", .make = pooled_prefilled},
    {.name = "Dynamic", .make = dynamic},
    {.name = "Hybrid", .make = hybrid},
    {.name = "HybridOptimizing", .make = hybrid_optimizing},
    {.name = "FixedPool",
     .make = pool<FixedPool>,
     .largest = kBlockBytes,
     .alignment = kBlockBytes},
    {.name = "FixedPoolGrowing",
     .make = growing_pool<FixedPool>,
     .largest = kBlockBytes,
     .alignment = kBlockBytes},
    {.name = "CheckedPool",
     .make = pool<CheckedPool>,
     .largest = kBlockBytes,
     .alignment = kBlockBytes,
     .keeps_records = true},
    {.name = "CheckedPoolGrowing",
     .make = growing_pool<CheckedPool>,
     .largest = kBlockBytes,
     .alignment = kBlockBytes,
     .keeps_records = true},
    {.name = "SharedPool",
     .make = pool<SharedPool>,
     .largest = kBlockBytes,
     .alignment = kBlockBytes,
     .keeps_records = true},
    {.name = "SharedPoolGrowing",
     .make = growing_pool<SharedPool>,
     .largest = kBlockBytes,
     .alignment = kBlockBytes,
     .keeps_records = true},
    {.name = "LimitOverPooled",
     .make = [](HeapResource& upstream) { return stack<Limit>(pooled_small(upstream), 8u << 20); }},
    {.name = "StatisticsOverArena",
     .make = [](HeapResource& upstream) { return stack<Statistics>(arena(upstream)); },
     .largest = 32 << 10,
     .any_order = false,
     .keeps_records = true},
    {.name = "TrackingOverPooled",
     .make = [](HeapResource& upstream) { return stack<Tracking>(pooled_small(upstream)); },
     .keeps_records = true},
    {.name = "LimitOverStatisticsOverTrackingOverDynamic",
     .make =
         [](HeapResource& upstream) {
           return stack<Limit>(stack<Statistics>(stack<Tracking>(dynamic(upstream))), 8u << 20);
         },
     .keeps_records = true},
    {.name = "TraceOverSynchronizedOverPooled",
     .make =
         [](HeapResource& upstream) {
           return stack<Trace>(stack<Synchronized>(pooled_small(upstream)), 1000);
         }},
    {.name = "OnFailureOverTrackingOverLimitOverPooled",
     .make =
         [](HeapResource& upstream) {
           return stack<OnFailure>(stack<Tracking>(stack<Limit>(pooled_small(upstream), 8u << 20)),
                                   [](const Request&) { return false; });
         },
     .keeps_records = true},
};

// Shared out evenly among the subjects.
uint64_t stress_operations() {
  const char* text = std::getenv("HYPERION_STRESS_OPERATIONS");
  const uint64_t all = text == nullptr ? 100'000 : std::strtoull(text, nullptr, 10);
  return all / std::size(kSubjects);
}

class Conformance : public testing::TestWithParam<Subject> {
 protected:
  Request next() { return random_request(random_, GetParam().largest, GetParam().alignment); }

  // Allocates up to `count` blocks, fewer when one is refused.
  void allocate_some(size_t count) {
    while (count > 0 && model_.allocate(next())) --count;
  }

  // Whether everything that can go back is with the upstream again.
  void expect_as_new() {
    model_.check_usage();
    EXPECT_EQ(resource_->usage().active, 0u);
    resource_->trim();
    EXPECT_LE(resource_->usage().reserved, reserved_at_first_);
    EXPECT_EQ(upstream_.usage().reserved, resource_->usage().reserved);
  }

  HeapResource upstream_{kUpstreamBytes};
  Made resource_ = GetParam().make(upstream_);
  const uint64_t reserved_at_first_ = resource_->usage().reserved;
  BlockModel model_{*resource_};
  std::mt19937_64 random_{20240607};
};

TEST_P(Conformance, BlocksAreApartAlignedAndCounted) {
  for (int round = 0; round < 20; ++round) {
    allocate_some(50);
    model_.check_usage();
    model_.free_some(random_, 40);
    model_.check_usage();
  }
  model_.free_all();
  expect_as_new();
}

TEST_P(Conformance, FreesInReverseOrder) {
  allocate_some(200);
  model_.free_all();
  expect_as_new();
}

TEST_P(Conformance, FreesInAnyOrder) {
  allocate_some(200);
  model_.free_some(random_, 200);
  expect_as_new();
}

TEST_P(Conformance, ResetFreesEverythingAtOnce) {
  for (int round = 0; round < 3; ++round) {
    allocate_some(100);
    model_.free_some(random_, 20);
    resource_->reset();
    model_.forget_all();
    expect_as_new();
  }
}

// HeapResource sees what is not given back.
TEST_P(Conformance, DestructionGivesLiveBlocksBack) {
  allocate_some(100);
  ASSERT_GT(model_.live(), 0u);
  resource_.reset();
  EXPECT_EQ(upstream_.usage().reserved, 0u);
}

TEST_P(Conformance, TrimLeavesLiveBlocksAlone) {
  allocate_some(100);
  model_.free_some(random_, model_.live() / 2);
  const uint64_t before = upstream_.usage().reserved;
  const uint64_t given_back = resource_->trim();
  EXPECT_EQ(before - given_back, upstream_.usage().reserved);
  EXPECT_EQ(resource_->trim(), 0u);
  model_.check_usage();
  model_.free_all();
  expect_as_new();
}

TEST_P(Conformance, ARefusalSaysWhyAndTakesNothing) {
  Request refused = next();
  while (model_.allocate(refused)) refused = next();
  model_.check_usage();
  const Usage before = resource_->usage();
  ASSERT_EQ(resource_->allocate(refused), nullptr);
  const Usage after = resource_->usage();
  EXPECT_EQ(after.active, before.active);
  EXPECT_EQ(after.requested, before.requested);
  EXPECT_EQ(after.blocks, before.blocks);
  EXPECT_EQ(after.reserved, before.reserved);
  const Status status = resource_->refusal(refused);
  EXPECT_TRUE(status.code() == Code::out_of_memory || status.code() == Code::over_budget);
  EXPECT_FALSE(status.message().empty());
  model_.free_all();
  EXPECT_TRUE(model_.allocate(refused)) << "there is room again";
  model_.free_all();
  expect_as_new();
}

TEST_P(Conformance, AnUpstreamThatRefusesBreaksNothing) {
  allocate_some(30);
  upstream_.set_limit(upstream_.usage().reserved);
  allocate_some(1000);
  model_.check_usage();
  model_.free_some(random_, model_.live() / 2);
  allocate_some(1000);
  upstream_.set_limit(kUpstreamBytes);
  model_.free_all();
  expect_as_new();
}

TEST_P(Conformance, TheLargestFreeBlockCanBeHadWithoutTheUpstream) {
  allocate_some(100);
  model_.free_some(random_, model_.live() - 5);
  upstream_.set_limit(upstream_.usage().reserved);
  const uint64_t largest = std::min(resource_->usage().largest_free, GetParam().largest);
  EXPECT_TRUE(largest == 0 || model_.allocate({largest}));
  upstream_.set_limit(kUpstreamBytes);
  model_.free_all();
}

class AnyOrder : public Conformance {};

TEST_P(AnyOrder, RoomServesAgain) {
  const uint64_t at_most = std::max<uint64_t>(1 << 20, 8 * GetParam().largest);
  for (int i = 0; i < 20'000; ++i) {
    while (model_.requested() > at_most / 2) model_.free_some(random_, 1);
    ASSERT_TRUE(model_.allocate(next())) << resource_->refusal(next()).message();
  }
  EXPECT_LT(upstream_.peak(), 16 * at_most) << "what is held follows what lives";
  model_.free_all();
  expect_as_new();
}

class Recorded : public Conformance {};

TEST_P(Recorded, MisuseIsToldAndChangesNothing) {
  allocate_some(20);
  std::byte* const freed = model_.address(7);
  const Request request = model_.request(7);
  model_.free(7);
  const Usage before = resource_->usage();
  EXPECT_EQ(resource_->free(freed, request), FreeResult::freed_before);
  alignas(16) std::byte foreign[16];
  EXPECT_EQ(resource_->free(foreign, {16}), FreeResult::foreign);
  EXPECT_EQ(resource_->usage().active, before.active);
  EXPECT_EQ(resource_->usage().requested, before.requested);
  model_.free_all();
  expect_as_new();
}

TEST_P(Conformance, WithstandsAnyLongSequence) {
  const uint64_t operations = stress_operations();
  for (uint64_t i = 0; i < operations; ++i) {
    // Phases that grow and phases that shrink, so that both ends are met.
    const bool grow = i / 2000 % 2 == 0;
    if (random_() % 100 < (grow ? 60 : 40) || model_.live() == 0) {
      if (!model_.allocate(next())) {
        ASSERT_GT(model_.live(), 0u) << "an empty resource refuses";
        model_.free_some(random_, model_.live() / 2 + 1);
      }
    } else if (GetParam().any_order || random_() % 2 == 0) {
      model_.free_some(random_, 1);
    } else {
      model_.free(model_.live() - 1);
    }
    if (i % 97 == 0) model_.check_usage();
    if (i % 1999 == 0) resource_->trim();
    if (i % 49'999 == 0) {
      resource_->reset();
      model_.forget_all();
    }
    if (HasFailure()) return;
  }
  model_.free_all();
  expect_as_new();
}

std::vector<Subject> subjects_that(bool Subject::* trait) {
  std::vector<Subject> subjects;
  std::copy_if(std::begin(kSubjects), std::end(kSubjects), std::back_inserter(subjects),
               [&](const Subject& subject) { return subject.*trait; });
  return subjects;
}

std::string name_of(const testing::TestParamInfo<Subject>& subject) {
  return subject.param.name;
}

INSTANTIATE_TEST_SUITE_P(Resources, Conformance, testing::ValuesIn(kSubjects), name_of);
INSTANTIATE_TEST_SUITE_P(Resources, AnyOrder, testing::ValuesIn(subjects_that(&Subject::any_order)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Resources, Recorded,
                         testing::ValuesIn(subjects_that(&Subject::keeps_records)), name_of);

}  // namespace
}  // namespace hyperion
