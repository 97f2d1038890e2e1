#include "memory/pooled.h"

#include <gtest/gtest.h>

#include <vector>

#include "platform/pages.h"
#include "support/block_model.h"
#include "support/heap_resource.h"

namespace hyperion {
namespace {

std::unique_ptr<Pooled> pooled_of(const PooledConfig& config, MemoryResource& upstream) {
  return std::move(Pooled::create(config, upstream).value());
}

TEST(PoolClasses, AreFourToEachDoublingInUnitsOfSixteen) {
  const PoolClasses classes(4096, 16384);
  std::vector<uint64_t> bytes;
  for (size_t i = 0; i < classes.count(); ++i) bytes.push_back(classes.bytes(i));
  const std::vector<uint64_t> expected = {4096, 5120, 6144, 7168, 8192, 10240, 12288, 14336, 16384};
  EXPECT_EQ(bytes, expected);
}

TEST(PoolClasses, FindTheSmallestThatHoldsTheBytesAligned) {
  for (const uint64_t smallest : std::initializer_list<uint64_t>{16, 48, 80, 4096, 4112}) {
    const PoolClasses classes(smallest, 1 << 20);
    const auto best = [&](uint64_t bytes, uint64_t alignment) {
      const uint64_t most = 2 * std::max(round_up(bytes, alignment), smallest);
      for (size_t i = 0; i < classes.count() && classes.bytes(i) <= most; ++i) {
        if (classes.bytes(i) >= bytes && classes.bytes(i) % alignment == 0) return i;
      }
      return classes.count();
    };
    std::mt19937_64 random(3);
    for (int i = 0; i < 20'000; ++i) {
      const uint64_t bytes = random_bytes(random, 2 << 20);
      const uint64_t alignment = 16ull << random() % 9;
      const size_t found = classes.index_for(bytes, alignment);
      ASSERT_EQ(found, best(bytes, alignment)) << bytes << " aligned to " << alignment;
    }
  }
}

TEST(Slabs, HoldAsManyBlocksAsFitInto64KiBAndAtLeastOne) {
  EXPECT_EQ(SlabLayout(16).blocks, 4096u);
  EXPECT_EQ(SlabLayout(5120).blocks, 12u);
  EXPECT_EQ(SlabLayout(5120).slab_bytes, round_up(61440, kPageSize));
  EXPECT_EQ(SlabLayout(1 << 20).blocks, 1u);
  EXPECT_EQ(SlabLayout(1 << 20).slab_bytes, 1u << 20);
}

TEST(Slabs, TakeANewSlabOnlyWhenAllOthersAreFull) {
  HeapResource upstream;
  Slabs slabs(1024, upstream);
  std::vector<std::byte*> blocks;
  for (int i = 0; i < 64 * 5; ++i) blocks.push_back(slabs.allocate());
  EXPECT_EQ(slabs.reserved(), 5 * kSlabBytes);
  std::mt19937_64 random(5);
  for (int i = 0; i < 5000; ++i) {
    std::byte*& block = blocks[random() % blocks.size()];
    EXPECT_EQ(slabs.free(block), FreeResult::freed);
    block = slabs.allocate();
    ASSERT_EQ(slabs.reserved(), 5 * kSlabBytes);
  }
}

TEST(Slabs, GiveAllButOneEmptySlabBack) {
  HeapResource upstream;
  Slabs slabs(1024, upstream);
  std::vector<std::byte*> blocks;
  for (int i = 0; i < 64 * 5; ++i) blocks.push_back(slabs.allocate());
  for (std::byte* block : blocks) slabs.free(block);
  EXPECT_EQ(upstream.usage().reserved, kSlabBytes);
  EXPECT_EQ(slabs.trim(), kSlabBytes);
  EXPECT_EQ(upstream.usage().reserved, 0u);
}

TEST(Slabs, TellWhatIsNoBlockOfTheirs) {
  HeapResource upstream;
  Slabs slabs(48, upstream);
  std::byte* const block = slabs.allocate();
  EXPECT_EQ(slabs.free(block + 16), FreeResult::foreign);
  EXPECT_EQ(slabs.free(block - 48), FreeResult::foreign);
  EXPECT_EQ(slabs.free(block + 48), FreeResult::freed_before) << "free since the slab began";
  EXPECT_EQ(slabs.free(block + SlabLayout(48).blocks * 48), FreeResult::foreign);
  EXPECT_EQ(slabs.live(), 1u);
}

TEST(Pooled, SlabsLieInTheInitialPoolWhileTheyFitAndItIsKept) {
  HeapResource upstream;
  const auto pooled =
      pooled_of({.block_size = 4096, .initial_pool_size = 4 * kSlabBytes}, upstream);
  EXPECT_EQ(upstream.usage().reserved, 4 * kSlabBytes);
  BlockModel model(*pooled);
  for (int i = 0; i < 16 * 4; ++i) ASSERT_TRUE(model.allocate({4096}));
  EXPECT_EQ(upstream.usage().reserved, 4 * kSlabBytes);
  EXPECT_EQ(pooled->usage().largest_free, 0u);
  ASSERT_TRUE(model.allocate({4096}));
  EXPECT_EQ(upstream.usage().reserved, 5 * kSlabBytes);
  model.free_all();
  pooled->trim();
  EXPECT_EQ(upstream.usage().reserved, 4 * kSlabBytes);
  EXPECT_EQ(pooled->usage().largest_free, 4 * kSlabBytes) << "freed neighbours join again";
}

TEST(PoolSpace, FreedNeighboursJoinInAnyOrder) {
  for (const std::vector<int>& order : {std::vector{0, 1, 2, 3}, {3, 2, 1, 0}, {0, 2, 1, 3}}) {
    HeapResource upstream;
    const auto space = std::move(PoolSpace::create(upstream, 4 * kPageSize).value());
    const Request page = {kPageSize, kPageSize};
    std::byte* blocks[4];
    for (std::byte*& block : blocks) block = space->allocate(page);
    for (const int i : order) space->free(blocks[i], page);
    EXPECT_EQ(space->usage().largest_free, 4 * kPageSize);
  }
}

TEST(Pooled, FailsWhereTheInitialPoolIsRefused) {
  HeapResource upstream(1 << 20);
  const auto pooled = Pooled::create({.initial_pool_size = 2 << 20}, upstream);
  EXPECT_EQ(pooled.status().code(), Code::out_of_memory);
}

TEST(Pooled, AnEmptySlabOfAnotherClassMakesRoomBeforeARefusal) {
  HeapResource upstream(kSlabBytes);
  const auto pooled = pooled_of({.block_size = 16}, upstream);
  std::byte* const small = pooled->allocate({16});
  EXPECT_EQ(pooled->allocate({1024}), nullptr);
  pooled->free(small, {16});
  EXPECT_EQ(upstream.usage().reserved, kSlabBytes) << "kept for the next block";
  EXPECT_NE(pooled->allocate({1024}), nullptr);
}

TEST(Pooled, WhatHasNoClassTakesWholePages) {
  HeapResource upstream;
  const auto pooled = pooled_of({.block_size = 48}, upstream);
  // An alignment of more than a page, one that no class near by is a multiple of, and many bytes.
  for (const Request& request :
       {Request{100, 4 * kPageSize}, Request{kPageSize, kPageSize}, Request{kLargestPooled + 1}}) {
    std::byte* const block = pooled->allocate(request);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(pooled->usage().active, round_up(request.bytes, kPageSize));
    EXPECT_EQ(upstream.usage().reserved, pooled->usage().active);
    EXPECT_EQ(pooled->free(block, request), FreeResult::freed);
    EXPECT_EQ(upstream.usage().reserved, 0u);
  }
}

TEST(Pooled, TheFootprintBoundsWhatAnyOrderTakes) {
  std::mt19937_64 random(9);
  for (const PooledConfig& config : {PooledConfig{}, PooledConfig{.block_size = 48}}) {
    for (const uint64_t pages : {1, 2, 3, 5, 16, 17, 33}) {
      const uint64_t bytes = pages * kPageSize;
      HeapResource upstream;
      const auto pooled = pooled_of(config, upstream);
      BlockModel model(*pooled);
      for (int i = 0; i < 100; ++i) {
        while (model.live() < 40) ASSERT_TRUE(model.allocate({bytes, kPageSize}));
        model.free_some(random, random() % 40);
      }
      EXPECT_LE(upstream.peak(), pooled_footprint(config, bytes, 40));
      EXPECT_LE(pooled_footprint(config, bytes, 40), 2 * (40 * bytes + kSlabBytes));
    }
  }
}

TEST(Pooled, TheFootprintOfALargerBlockIsNoSmaller) {
  for (const uint64_t count : {1, 3, 40}) {
    uint64_t before = 0;
    for (uint64_t pages = 1; pages < 64; ++pages) {
      const uint64_t footprint = pooled_footprint({}, pages * kPageSize, count);
      EXPECT_GE(footprint, before) << count << " of " << pages << " pages";
      before = footprint;
    }
  }
}

}  // namespace
}  // namespace hyperion
