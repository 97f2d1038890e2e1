#include "memory/hybrid.h"

#include <gtest/gtest.h>

#include <vector>

#include "memory/pooled.h"
#include "platform/pages.h"
#include "support/block_model.h"
#include "support/heap_resource.h"

namespace hyperion {
namespace {

constexpr uint64_t kArenaBytes = 1 << 20;

std::unique_ptr<Hybrid> hybrid_over(HeapResource& upstream, bool optimization) {
  auto rest = Pooled::create({}, upstream);
  return std::move(
      Hybrid::create({.initial_pool_size = kArenaBytes, .enable_optimization = optimization},
                     upstream, std::move(rest.value()))
          .value());
}

TEST(SizeHistogram, CountsBlocksAndLifetimesInAllocations) {
  SizeHistogram histogram;
  const std::byte blocks[4] = {};
  histogram.allocated(&blocks[0], 100);
  histogram.allocated(&blocks[1], 200);
  histogram.allocated(&blocks[2], 200);
  histogram.freed(&blocks[1], 200);
  histogram.allocated(&blocks[3], 200);
  histogram.freed(&blocks[0], 100);
  const ObservedSize& small = histogram.sizes().at(100);
  EXPECT_EQ(small.count, 1u);
  EXPECT_EQ(small.live, 0u);
  EXPECT_EQ(small.lifetimes, 3u);
  const ObservedSize& large = histogram.sizes().at(200);
  EXPECT_EQ(large.count, 3u);
  EXPECT_EQ(large.live, 2u);
  EXPECT_EQ(large.peak_live, 2u);
  EXPECT_EQ(large.lifetimes, 1u);
  EXPECT_EQ(histogram.long_lived(3), std::vector<uint64_t>{100});
}

TEST(SizeHistogram, ForgetsSizesThatAreNoLongerAskedFor) {
  SizeHistogram histogram;
  const std::byte block = {};
  const std::byte lasting = {};
  histogram.allocated(&lasting, 300);
  for (int i = 0; i < 4; ++i) {
    histogram.allocated(&block, 100);
    histogram.freed(&block, 100);
  }
  for (int i = 0; i < 3; ++i) histogram.age();
  EXPECT_EQ(histogram.sizes().count(100), 0u);
  EXPECT_EQ(histogram.sizes().at(300).live, 1u) << "what lives stays known";
}

TEST(Bins, RoundSmallSizesToClassesUntilTheyHaveTheirOwn) {
  HeapResource upstream;
  Bins bins(upstream);
  EXPECT_EQ(bins.block_bytes(1), 16u);
  EXPECT_EQ(bins.block_bytes(200), 224u);
  EXPECT_EQ(bins.block_bytes(4096), 4096u);
  EXPECT_EQ(bins.block_bytes(5000), 0u);
  bins.set_exact({208, 5008});
  EXPECT_EQ(bins.block_bytes(200), 208u);
  EXPECT_EQ(bins.block_bytes(192), 192u);
  EXPECT_EQ(bins.block_bytes(5000), 5008u);
  EXPECT_EQ(bins.block_bytes(4992), 0u) << "exact pools serve their size alone";
}

TEST(Bins, LiveBlocksAreFreedWhereTheyCameFrom) {
  HeapResource upstream;
  Bins bins(upstream);
  const std::vector<std::vector<uint64_t>> arrangements = {{208, 5008}, {}, {5008, 8000}, {208}};
  std::vector<std::pair<std::byte*, Request>> blocks;
  for (const auto& exact : arrangements) {
    for (const uint64_t bytes : {200, 5000, 8000, 16}) {
      const Request request = {bytes};
      if (std::byte* block = bins.allocate(request)) blocks.emplace_back(block, request);
    }
    bins.set_exact(exact);
  }
  EXPECT_EQ(blocks.size(), 4 + 4 + 2 + 1u);
  for (const auto& [block, request] : blocks) {
    EXPECT_EQ(bins.free(block, request), FreeResult::freed);
    EXPECT_EQ(bins.free(block, request), FreeResult::freed_before);
  }
  EXPECT_EQ(bins.usage().blocks, 0u);
  EXPECT_EQ(bins.usage().requested, 0u);
  bins.trim();
  EXPECT_EQ(upstream.usage().reserved, 0u);
}

TEST(Hybrid, LastingBlocksLieInTheArenaUntilItIsFull) {
  HeapResource upstream;
  const auto hybrid = hybrid_over(upstream, false);
  EXPECT_EQ(upstream.usage().reserved, kArenaBytes);
  BlockModel model(*hybrid);
  for (int i = 0; i < 16; ++i) {
    ASSERT_TRUE(model.allocate({kArenaBytes / 16, 16, 0, Lifetime::lasting}));
  }
  EXPECT_EQ(upstream.usage().reserved, kArenaBytes);
  ASSERT_TRUE(model.allocate({100, 16, 0, Lifetime::lasting}));
  EXPECT_GT(upstream.usage().reserved, kArenaBytes);
  model.free_all();
}

TEST(Hybrid, PagesNeverLieInPools) {
  HeapResource upstream;
  const auto hybrid = hybrid_over(upstream, false);
  EXPECT_NE(hybrid->allocate({16 * kPageSize, kPageSize}), nullptr);
  EXPECT_EQ(upstream.usage().reserved, kArenaBytes + 16 * kPageSize);
}

// Blocks of 200 bytes waste 24 of 224 in their class and 8 of 208 in a pool of their own.
TEST(Hybrid, OptimizingGivesTheMostFrequentSizesPoolsOfTheirOwn) {
  HeapResource upstream;
  const auto hybrid = hybrid_over(upstream, true);
  BlockModel model(*hybrid);
  for (int i = 0; i < 900; ++i) ASSERT_TRUE(model.allocate({200}));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(model.allocate({5000}));
  const HybridOptimization report = hybrid->optimize();
  ASSERT_EQ(report.before.size(), 1u);
  EXPECT_EQ(report.before[0].block_bytes, 224u);
  EXPECT_EQ(report.before[0].blocks, 900u);
  ASSERT_EQ(report.after.size(), 2u);
  EXPECT_EQ(report.after[0].block_bytes, 208u);
  EXPECT_EQ(report.after[0].blocks, 900u);
  EXPECT_EQ(report.after[1].block_bytes, 5008u);
  EXPECT_DOUBLE_EQ(report.internal_before, (900 * 24 + 100 * 8) / (900 * 224. + 100 * 5008));
  EXPECT_DOUBLE_EQ(report.internal_after, (900 * 8 + 100 * 8) / (900 * 208. + 100 * 5008));
  const uint64_t active = hybrid->usage().active;
  ASSERT_TRUE(model.allocate({200}));
  EXPECT_EQ(hybrid->usage().active, active + 208);
  model.free_all();
}

TEST(Hybrid, OptimizingTwiceChangesNothingMore) {
  HeapResource upstream;
  const auto hybrid = hybrid_over(upstream, true);
  BlockModel model(*hybrid);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(model.allocate({200}));
  hybrid->optimize();
  const HybridOptimization again = hybrid->optimize();
  EXPECT_DOUBLE_EQ(again.internal_before, again.internal_after);
  EXPECT_EQ(again.trimmed, 0u);
  ASSERT_EQ(again.after.size(), 1u);
  EXPECT_EQ(again.after[0].block_bytes, 208u);
  model.free_all();
}

TEST(Hybrid, OptimizesByItselfEvery4096Allocations) {
  HeapResource upstream;
  const auto hybrid = hybrid_over(upstream, true);
  std::byte* block = nullptr;
  for (uint64_t i = 0; i <= Hybrid::kOptimizeInterval; ++i) {
    block = hybrid->allocate({200});
    EXPECT_EQ(hybrid->usage().active, i < Hybrid::kOptimizeInterval ? 224u : 208u);
    hybrid->free(block, {200});
  }
}

TEST(Hybrid, SizesThatAreNoLongerAskedForLoseTheirPools) {
  HeapResource upstream;
  const auto hybrid = hybrid_over(upstream, true);
  const auto ask = [&](uint64_t bytes, uint64_t intervals) {
    for (uint64_t i = 0; i < intervals * Hybrid::kOptimizeInterval; ++i) {
      hybrid->free(hybrid->allocate({bytes}), {bytes});
    }
  };
  ask(200, 1);
  ask(340, 8);
  hybrid->allocate({200});
  EXPECT_EQ(hybrid->usage().active, 224u);
}

TEST(Hybrid, NamesSizesThatLiveLong) {
  HeapResource upstream;
  const auto hybrid = hybrid_over(upstream, true);
  hybrid->allocate({300});
  for (uint64_t i = 0; i < 3 * Hybrid::kLongLived; ++i) hybrid->free(hybrid->allocate({40}), {40});
  EXPECT_EQ(hybrid->optimize().lasting_sizes, std::vector<uint64_t>{300});
}

TEST(Hybrid, WithoutOptimizationItOnlyTrims) {
  HeapResource upstream;
  const auto hybrid = hybrid_over(upstream, false);
  hybrid->free(hybrid->allocate({200}), {200});
  const HybridOptimization report = hybrid->optimize();
  EXPECT_TRUE(report.before.empty());
  EXPECT_TRUE(report.after.empty());
  EXPECT_EQ(report.trimmed, SlabLayout(224).slab_bytes);
  EXPECT_EQ(upstream.usage().reserved, kArenaBytes);
}

TEST(Hybrid, ASizeWithABinIsServedWhereAWholeSlabIsTooMuch) {
  HeapResource upstream(kArenaBytes);
  const auto hybrid =
      std::move(Hybrid::create({}, upstream, std::make_unique<HeapResource>()).value());
  std::byte* const block = hybrid->allocate({200});
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(hybrid->usage().requested, 200u);
  EXPECT_EQ(hybrid->free(block, {200}), FreeResult::freed);
}

}  // namespace
}  // namespace hyperion
