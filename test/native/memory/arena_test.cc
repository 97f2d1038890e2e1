#include "memory/arena.h"

#include <gtest/gtest.h>

#include <vector>

#include "platform/pages.h"
#include "support/block_model.h"
#include "support/heap_resource.h"
#include "support/status_details.h"

namespace hyperion {
namespace {

constexpr Request kLasting = {64, 16, 0, Lifetime::lasting};
constexpr Request kTransient = {64, 16, 0, Lifetime::transient};

std::unique_ptr<Arena> arena_of(MemoryResource& upstream, uint64_t capacity) {
  return std::move(Arena::create(upstream, capacity).value());
}

TEST(Arena, TakesWholePagesOnceOrFailsAsTheUpstreamDoes) {
  HeapResource upstream(2 * kPageSize);
  EXPECT_EQ(Arena::create(upstream, 2 * kPageSize + 1).status().code(), Code::out_of_memory);
  const auto arena = arena_of(upstream, kPageSize + 1);
  EXPECT_EQ(arena->capacity(), 2 * kPageSize);
  EXPECT_EQ(upstream.usage().reserved, 2 * kPageSize);
  EXPECT_EQ(arena->trim(), 0u);
}

TEST(Arena, LastingBlocksGrowUpwardAndTransientOnesDownward) {
  HeapResource upstream;
  const auto arena = arena_of(upstream, kPageSize);
  std::byte* const low = arena->allocate(kLasting);
  std::byte* const high = arena->allocate(kTransient);
  EXPECT_EQ(high - low, static_cast<ptrdiff_t>(kPageSize - 64));
  EXPECT_EQ(arena->allocate(kLasting) - low, 64);
  EXPECT_EQ(high - arena->allocate(kTransient), 64);
}

TEST(Arena, TheLayoutFollowsFromTheRequestsAlone) {
  HeapResource upstream;
  const auto layout = [&] {
    const auto arena = arena_of(upstream, 1 << 20);
    std::mt19937_64 random(7);
    std::vector<ptrdiff_t> offsets;
    std::byte* const base = arena->allocate(kLasting);
    while (std::byte* block = arena->allocate(random_request(random, 8192, kPageSize))) {
      offsets.push_back(block - base);
    }
    return offsets;
  };
  const std::vector<ptrdiff_t> first = layout();
  const auto padding = upstream.allocate({kPageSize, kPageSize});
  EXPECT_GT(first.size(), 50u);
  EXPECT_EQ(layout(), first);
  upstream.free(padding, {kPageSize, kPageSize});
}

TEST(Arena, CanBeFilledToTheLastByte) {
  HeapResource upstream;
  const auto arena = arena_of(upstream, kPageSize);
  EXPECT_NE(arena->allocate({kPageSize - 16, 16, 0, Lifetime::lasting}), nullptr);
  EXPECT_EQ(arena->usage().largest_free, 16u);
  EXPECT_EQ(arena->allocate({17}), nullptr);
  EXPECT_NE(arena->allocate({1}), nullptr);
  EXPECT_EQ(arena->usage().largest_free, 0u);
  EXPECT_EQ(arena->allocate({1}), nullptr);
}

TEST(Arena, RoomReturnsOnceNothingLiesAboveIt) {
  for (const Request& request : {kLasting, kTransient}) {
    HeapResource upstream;
    const auto arena = arena_of(upstream, kPageSize);
    std::byte* blocks[4];
    for (std::byte*& block : blocks) block = arena->allocate(request);
    arena->free(blocks[1], request);
    arena->free(blocks[2], request);
    EXPECT_EQ(arena->holes(), 128u);
    EXPECT_EQ(arena->usage().largest_free, kPageSize - 256);
    arena->free(blocks[3], request);
    EXPECT_EQ(arena->holes(), 0u);
    EXPECT_EQ(arena->usage().largest_free, kPageSize - 64);
    EXPECT_EQ(arena->allocate(request), blocks[1]);
  }
}

TEST(Arena, ARefusalNamesTheGapTheHolesAndTheWayOut) {
  HeapResource upstream;
  const auto arena = arena_of(upstream, kPageSize);
  std::byte* const buried = arena->allocate({1024, 16, 0, Lifetime::lasting});
  arena->allocate({1024, 16, 0, Lifetime::lasting});
  arena->free(buried, {1024, 16, 0, Lifetime::lasting});
  const Request request = {kPageSize};
  ASSERT_EQ(arena->allocate(request), nullptr);
  const Status status = arena->refusal(request);
  EXPECT_EQ(status.code(), Code::out_of_memory);
  EXPECT_EQ(detail(status, "neededBytes"), kPageSize);
  EXPECT_EQ(detail(status, "largestFreeBytes"), kPageSize - 2048);
  EXPECT_EQ(detail(status, "holeBytes"), 1024);
  EXPECT_NE(status.message().find("1.0 KiB lie in holes"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("larger initialPoolSize"), std::string::npos);
}

TEST(Arena, TellsWhatItNeverHandedOutFromWhatWasFreed) {
  HeapResource upstream;
  const auto arena = arena_of(upstream, 1 << 20);
  for (const Request& request : {kLasting, kTransient}) {
    std::byte* const first = arena->allocate(request);
    std::byte* const second = arena->allocate(request);
    EXPECT_EQ(arena->free(first + 16, request), FreeResult::foreign);
    EXPECT_EQ(arena->free(first, request), FreeResult::freed);
    EXPECT_EQ(arena->free(first, request), FreeResult::freed_before);
    EXPECT_EQ(arena->free(second, request), FreeResult::freed);
    EXPECT_EQ(arena->free(second, request), FreeResult::freed_before);
  }
  EXPECT_EQ(arena->usage().blocks, 0u);
}

TEST(Arena, FindsAnyOfManyBlocks) {
  HeapResource upstream;
  const auto arena = arena_of(upstream, 1 << 20);
  BlockModel model(*arena);
  for (int i = 0; i < 8000; ++i) ASSERT_TRUE(model.allocate(i % 2 == 0 ? kLasting : kTransient));
  std::mt19937_64 random(17);
  model.free_some(random, 8000);
  EXPECT_EQ(arena->usage().largest_free, arena->capacity());
}

TEST(Arena, EveryByteIsActiveAHoleOrFree) {
  HeapResource upstream;
  const auto arena = arena_of(upstream, 1 << 20);
  BlockModel model(*arena);
  std::mt19937_64 random(11);
  for (int i = 0; i < 5000; ++i) {
    if (random() % 2 == 0) {
      model.allocate(random_request(random, 4096, 4096));
    } else {
      model.free_some(random, 1);
    }
    const Usage usage = arena->usage();
    ASSERT_EQ(usage.active + arena->holes() + usage.largest_free, arena->capacity());
  }
  model.free_all();
  EXPECT_EQ(arena->usage().largest_free, arena->capacity());
}

}  // namespace
}  // namespace hyperion
