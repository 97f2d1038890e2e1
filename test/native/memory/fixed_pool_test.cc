#include "memory/fixed_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <set>
#include <vector>

#include "memory/checked_pool.h"
#include "memory/shared_pool.h"
#include "support/heap_resource.h"

namespace hyperion {
namespace {

// What every pool of blocks of one size promises.
template <class Pool>
class BlockPool : public testing::Test {
 protected:
  std::unique_ptr<Pool> make(const PoolConfig& config) {
    Result<std::unique_ptr<Pool>> pool = Pool::create(upstream_, config);
    EXPECT_TRUE(pool.ok()) << pool.status().message();
    return std::move(pool.value());
  }
  Status refuse(const PoolConfig& config) { return Pool::create(upstream_, config).status(); }

  HeapResource upstream_;
};

struct PoolNames {
  template <class Pool>
  static std::string GetName(int) {
    if constexpr (std::is_same_v<Pool, FixedPool>) return "FixedPool";
    if constexpr (std::is_same_v<Pool, CheckedPool>) return "CheckedPool";
    return "SharedPool";
  }
};

using Pools = testing::Types<FixedPool, CheckedPool, SharedPool>;
TYPED_TEST_SUITE(BlockPool, Pools, PoolNames);

std::vector<std::byte*> allocate_all(MemoryResource& pool, const Request& request) {
  std::vector<std::byte*> blocks;
  while (std::byte* block = pool.allocate(request)) blocks.push_back(block);
  return blocks;
}

TYPED_TEST(BlockPool, HoldsAsManyBlocksAsFitIntoItsSize) {
  const auto pool = this->make({.size = 1000, .block_size = 50});
  EXPECT_EQ(pool->block_size(), 64u);
  EXPECT_EQ(this->upstream_.usage().reserved, 15u * 64);
  const Request request{.bytes = 50};
  std::vector<std::byte*> blocks = allocate_all(*pool, request);
  EXPECT_EQ(blocks.size(), 15u);
  EXPECT_EQ(pool->refusal(request).code(), Code::out_of_memory);
  EXPECT_EQ(pool->usage().largest_free, 0u);

  std::sort(blocks.begin(), blocks.end());
  for (size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(blocks[i], blocks[0] + i * 64) << "contiguous";
    std::memset(blocks[i], 0xff, 64);
  }
  for (std::byte* block : blocks) EXPECT_EQ(pool->free(block, request), FreeResult::freed);
  EXPECT_EQ(pool->usage().blocks, 0u);
  EXPECT_EQ(allocate_all(*pool, request).size(), 15u) << "after wild writes into free blocks too";
}

TYPED_TEST(BlockPool, RefusesSizesThatMakeNoPool) {
  EXPECT_EQ(this->refuse({.size = 0, .block_size = 64}).code(), Code::invalid);
  EXPECT_EQ(this->refuse({.size = 64, .block_size = 0}).code(), Code::invalid);
  EXPECT_EQ(this->refuse({.size = 64, .block_size = 65}).code(), Code::invalid);
  EXPECT_EQ(this->refuse({.size = kLargestBlock + 1, .block_size = 64}).code(), Code::invalid);
  EXPECT_EQ(this->refuse({.size = kLargestBlock, .block_size = kLargestBlock + 1}).code(),
            Code::invalid);
  this->upstream_.set_limit(4096);
  EXPECT_EQ(this->refuse({.size = 8192, .block_size = 64}).code(), Code::out_of_memory);
}

TYPED_TEST(BlockPool, RefusesWhatDoesNotFitABlock) {
  const auto pool = this->make({.size = 4800, .block_size = 48});
  EXPECT_EQ(pool->allocate({.bytes = 49}), nullptr);
  EXPECT_EQ(pool->refusal({.bytes = 49}).code(), Code::out_of_memory);
  EXPECT_EQ(pool->allocate({.bytes = 16, .alignment = 32}), nullptr) << "48 is 3 times 16";
  EXPECT_EQ(pool->refusal({.bytes = 16, .alignment = 32}).code(), Code::out_of_memory);
  EXPECT_EQ(pool->usage().blocks, 0u);
}

TYPED_TEST(BlockPool, BlocksAreAlignedToTheirSizesPowerOfTwo) {
  const auto pool = this->make({.size = 3 * 12288, .block_size = 12288});
  const Request request{.bytes = 100, .alignment = 4096};
  for (std::byte* block : allocate_all(*pool, request))
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 4096, 0u);
  EXPECT_EQ(pool->usage().blocks, 3u);
}

TYPED_TEST(BlockPool, CountsExactlyWhatARandomTraceHolds) {
  const auto pool = this->make({.size = 100 * 64, .block_size = 64});
  std::mt19937 random(11);
  std::vector<std::pair<std::byte*, Request>> live;
  std::set<std::byte*> addresses;
  uint64_t requested = 0;
  uint64_t count = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 2 == 0) {
      const Request request{.bytes = 1 + random() % 64, .tag = 7};
      std::byte* block = pool->allocate(request);
      ASSERT_EQ(block == nullptr, live.size() == 100);
      if (block == nullptr) continue;
      ASSERT_TRUE(addresses.insert(block).second) << "handed out twice";
      live.emplace_back(block, request);
      requested += request.bytes;
      ++count;
    } else if (!live.empty()) {
      std::swap(live[random() % live.size()], live.back());
      const auto [block, request] = live.back();
      live.pop_back();
      addresses.erase(block);
      requested -= request.bytes;
      ASSERT_EQ(pool->free(block, request), FreeResult::freed);
    }
    const Usage usage = pool->usage();
    ASSERT_EQ(usage.blocks, live.size());
    ASSERT_EQ(usage.active, live.size() * 64);
    ASSERT_EQ(usage.requested, requested);
    ASSERT_EQ(usage.reserved, 6400u);
    ASSERT_EQ(usage.largest_free, live.size() == 100 ? 0u : 64u);
    ASSERT_EQ(pool->allocations(), count);
  }
}

TYPED_TEST(BlockPool, ResetFreesEveryBlockAtOnce) {
  const auto pool = this->make({.size = 640, .block_size = 64});
  EXPECT_EQ(allocate_all(*pool, {.bytes = 60}).size(), 10u);
  pool->reset();
  EXPECT_EQ(pool->usage().blocks, 0u);
  EXPECT_EQ(pool->usage().requested, 0u);
  EXPECT_EQ(allocate_all(*pool, {.bytes = 60}).size(), 10u);
  EXPECT_EQ(pool->peak_blocks(), 10u);
  EXPECT_EQ(pool->allocations(), 20u);
}

TYPED_TEST(BlockPool, GrowsByAsMuchAsItHasUntilTheUpstreamRefuses) {
  this->upstream_.set_limit(8 * 4 * 64 - 1);
  const auto pool = this->make({.size = 4 * 64, .block_size = 64, .growable = true});
  const Request request{.bytes = 64};
  const std::vector<std::byte*> blocks = allocate_all(*pool, request);
  EXPECT_EQ(blocks.size(), 16u);
  EXPECT_EQ(pool->usage().reserved, 16u * 64);
  EXPECT_EQ(pool->refusal(request).code(), Code::out_of_memory);
  EXPECT_EQ(std::set(blocks.begin(), blocks.end()).size(), 16u);
  for (std::byte* block : blocks) EXPECT_EQ(pool->free(block, request), FreeResult::freed);
  EXPECT_EQ(allocate_all(*pool, request).size(), 16u);
}

TYPED_TEST(BlockPool, TrimGivesBackTheYoungestChunksWithoutLiveBlocks) {
  const auto pool = this->make({.size = 4 * 64, .block_size = 64, .growable = true});
  const Request request{.bytes = 64};
  std::vector<std::byte*> blocks;
  for (int i = 0; i < 16; ++i) blocks.push_back(pool->allocate(request));
  EXPECT_EQ(pool->trim(), 0u);
  std::shuffle(blocks.begin() + 6, blocks.end(), std::mt19937(3));
  for (int i = 6; i < 16; ++i) pool->free(blocks[i], request);
  EXPECT_EQ(pool->trim(), 8u * 64) << "the second chunk has live blocks";
  EXPECT_EQ(this->upstream_.usage().reserved, 8u * 64);
  EXPECT_EQ(pool->usage().blocks, 6u);

  // What is left goes on as before.
  EXPECT_NE(pool->allocate(request), nullptr);
  EXPECT_NE(pool->allocate(request), nullptr);
  EXPECT_EQ(this->upstream_.usage().reserved, 8u * 64);
  EXPECT_NE(pool->allocate(request), nullptr);
  EXPECT_EQ(this->upstream_.usage().reserved, 16u * 64);
  EXPECT_EQ(pool->peak_blocks(), 16u);

  pool->reset();
  EXPECT_EQ(pool->trim(), 16u * 64);
  EXPECT_EQ(this->upstream_.usage().reserved, 0u);
  EXPECT_NE(pool->allocate(request), nullptr) << "takes its size again";
  EXPECT_EQ(pool->usage().reserved, 4u * 64);
}

TEST(FixedPool, PeakIsTheMostThatWasLive) {
  HeapResource upstream;
  const auto pool =
      std::move(FixedPool::create(upstream, {.size = 6400, .block_size = 64}).value());
  std::mt19937 random(5);
  std::vector<std::byte*> live;
  uint64_t peak = 0;
  for (int step = 0; step < 2000; ++step) {
    if (live.empty() || random() % 9 < 5) {
      if (std::byte* block = pool->allocate_block()) live.push_back(block);
    } else {
      pool->free_block(live.back());
      live.pop_back();
    }
    peak = std::max<uint64_t>(peak, live.size());
    ASSERT_EQ(pool->peak_blocks(), peak);
    ASSERT_EQ(pool->usage().requested, live.size() * 64);
  }
}

TEST(FixedPool, HandsOutTheLowestAddressesFirstAfterTrim) {
  HeapResource upstream;
  const auto pool = std::move(FixedPool::create(upstream, {.size = 640, .block_size = 64}).value());
  std::vector<std::byte*> blocks;
  while (std::byte* block = pool->allocate_block()) blocks.push_back(block);
  for (const int freed : {3, 8, 1, 5}) pool->free_block(blocks[freed]);
  EXPECT_EQ(pool->trim(), 0u);
  for (const int expected : {1, 3, 5, 8}) EXPECT_EQ(pool->allocate_block(), blocks[expected]);
}

// What the pools that keep records promise beyond.
template <class Pool>
class RecordingPool : public BlockPool<Pool> {};
using RecordingPools = testing::Types<CheckedPool, SharedPool>;
struct RecordingNames : PoolNames {};
TYPED_TEST_SUITE(RecordingPool, RecordingPools, RecordingNames);

TYPED_TEST(RecordingPool, TellsWhatWasFreedBeforeAndWhatIsForeign) {
  // 48 is no power of two, and the pool has grown: every branch of the look-up.
  const auto pool = this->make({.size = 4 * 48, .block_size = 48, .growable = true});
  std::vector<std::byte*> blocks;
  for (int i = 0; i < 9; ++i) blocks.push_back(pool->allocate({.bytes = 48}));
  for (std::byte* block : blocks) {
    EXPECT_EQ(pool->free_block(block + 1), FreeResult::foreign);
    EXPECT_EQ(pool->free_block(block + 16), FreeResult::foreign);
    EXPECT_EQ(pool->free_block(block), FreeResult::freed);
    EXPECT_EQ(pool->free_block(block), FreeResult::freed_before);
  }
  std::byte elsewhere[48];
  EXPECT_EQ(pool->free_block(elsewhere), FreeResult::foreign);
  EXPECT_EQ(pool->free_block(nullptr), FreeResult::foreign);
  EXPECT_EQ(pool->usage().blocks, 0u);
  EXPECT_EQ(std::set<std::byte*>(blocks.begin(), blocks.end()).size(), 9u);
}

TYPED_TEST(RecordingPool, FindsItsBlocksAmongAllAddressesOfAChunk) {
  for (const uint64_t size : {16u, 48u, 64u, 112u, 4096u, 4112u}) {
    const auto pool = this->make({.size = 7 * size, .block_size = size});
    std::vector<std::byte*> blocks = allocate_all(*pool, {.bytes = 1});
    const std::byte* begin = *std::min_element(blocks.begin(), blocks.end());
    const auto address = reinterpret_cast<uintptr_t>(begin);
    for (uint64_t offset = 0; offset < 9 * size; ++offset) {
      const bool own = offset % size == 0 && offset >= size && offset < 8 * size;
      auto* block = reinterpret_cast<std::byte*>(address - size + offset);
      ASSERT_EQ(pool->free_block(block), own ? FreeResult::freed : FreeResult::foreign)
          << size << " at " << offset;
    }
  }
}

TYPED_TEST(RecordingPool, ListsTheLiveBlocksOldestFirst) {
  const auto pool = this->make({.size = 4 * 64, .block_size = 64, .growable = true});
  std::vector<std::byte*> blocks;
  for (uint16_t i = 0; i < 6; ++i)
    blocks.push_back(pool->allocate({.bytes = 10u + i, .tag = static_cast<uint16_t>(100 + i)}));
  for (const int freed : {1, 4, 0}) pool->free_block(blocks[freed]);
  blocks[1] =
      pool->allocate({.bytes = 33, .tag = 9});  // a block that was used before is the youngest
  const std::vector<LiveBlock> live = pool->live();
  ASSERT_EQ(live.size(), 4u);
  const int order[] = {2, 3, 5, 1};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(live[i].address, blocks[order[i]]);
  EXPECT_EQ(live[0].bytes, 12u);
  EXPECT_EQ(live[0].tag, 102u);
  EXPECT_EQ(live[3].bytes, 33u);
  EXPECT_EQ(live[3].tag, 9u);
  pool->reset();
  EXPECT_TRUE(pool->live().empty());
  EXPECT_EQ(pool->free_block(blocks[2]), FreeResult::foreign) << "not handed out since the reset";
}

}  // namespace
}  // namespace hyperion
