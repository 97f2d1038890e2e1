#include "memory/shared_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "support/heap_resource.h"

namespace hyperion {
namespace {

std::unique_ptr<SharedPool> make(MemoryResource& upstream, uint64_t blocks, bool growable = false) {
  return std::move(
      SharedPool::create(upstream, {.size = blocks * 64, .block_size = 64, .growable = growable})
          .value());
}

template <class Body>
void run_threads(int count, const Body& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

TEST(SharedPool, FreeBlocksOnOtherThreadsShelvesAreFound) {
  HeapResource upstream;
  const auto pool = make(upstream, 100);
  // An ended thread leaves its shelf full; one that lives has free blocks on its own.
  run_threads(3, [&](int) { pool->free_block(pool->allocate_block(64)); });
  std::set<std::byte*> blocks;
  while (std::byte* block = pool->allocate_block(64)) blocks.insert(block);
  EXPECT_EQ(blocks.size(), 100u);
  EXPECT_EQ(pool->usage().blocks, 100u);
  EXPECT_EQ(pool->usage().largest_free, 0u);
}

TEST(SharedPool, ThreadsTogetherGetEveryBlockOnce) {
  HeapResource upstream;
  const auto pool = make(upstream, 1000);
  std::vector<std::byte*> taken[4];
  run_threads(4, [&](int i) {
    while (std::byte* block = pool->allocate_block(64)) taken[i].push_back(block);
  });
  std::set<std::byte*> all;
  for (const auto& blocks : taken) all.insert(blocks.begin(), blocks.end());
  EXPECT_EQ(taken[0].size() + taken[1].size() + taken[2].size() + taken[3].size(), 1000u);
  EXPECT_EQ(all.size(), 1000u);
}

TEST(SharedPool, BlocksCrossBetweenThreadsUnderALimit) {
  HeapResource upstream;
  const auto pool = make(upstream, 150);
  std::atomic<std::byte*> mail[64] = {};
  std::atomic<uint64_t> allocated = 0;
  std::atomic<uint64_t> freed = 0;
  std::atomic<uint64_t> wrong = 0;
  run_threads(4, [&](int i) {
    std::mt19937 random(static_cast<unsigned>(i));
    for (int step = 0; step < 20'000; ++step) {
      std::byte* block = pool->allocate_block(random() % 64 + 1);
      if (block != nullptr) {
        *block = std::byte{1};  // two owners of a block would be a data race here
        ++allocated;
      }
      std::byte* other = mail[random() % 64].exchange(block);
      if (other == nullptr) continue;
      if (pool->free_block(other) != FreeResult::freed) ++wrong;
      ++freed;
    }
  });
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(pool->usage().blocks, allocated - freed);
  EXPECT_EQ(pool->allocations(), allocated);
  EXPECT_EQ(pool->live().size(), allocated - freed);
  EXPECT_LE(pool->peak_blocks(), 150u);
  for (auto& slot : mail) {
    if (std::byte* block = slot.load()) {
      EXPECT_EQ(pool->free_block(block), FreeResult::freed);
    }
  }
  EXPECT_EQ(pool->usage().blocks, 0u);
  EXPECT_EQ(pool->usage().requested, 0u);
}

TEST(SharedPool, OfThreadsThatFreeABlockAtOnceOneDoes) {
  HeapResource upstream;
  const auto pool = make(upstream, 64);
  std::vector<std::byte*> blocks;
  while (std::byte* block = pool->allocate_block(64)) blocks.push_back(block);
  std::atomic<uint64_t> freed = 0;
  run_threads(4, [&](int) {
    for (std::byte* block : blocks) {
      if (pool->free_block(block) == FreeResult::freed) ++freed;
    }
  });
  EXPECT_EQ(freed, 64u);
  EXPECT_EQ(pool->usage().blocks, 0u);
}

TEST(SharedPool, GrowsWhileOthersAllocateAndFree) {
  HeapResource upstream;
  const auto pool = make(upstream, 4, true);
  run_threads(4, [&](int) {
    std::vector<std::byte*> held;
    for (int i = 0; i < 500; ++i) held.push_back(pool->allocate_block(8));
    for (std::byte* block : held) EXPECT_EQ(pool->free_block(block), FreeResult::freed);
  });
  EXPECT_EQ(pool->usage().blocks, 0u);
  EXPECT_LE(pool->usage().reserved, 2 * 4 * 564u * 64);
  EXPECT_EQ(pool->trim(), upstream.peak());
}

TEST(SharedPool, PeakIsWithinTheShelvesOfWhatWasLive) {
  HeapResource upstream;
  const auto pool = make(upstream, 1000);
  std::vector<std::byte*> held;
  for (int i = 0; i < 200; ++i) held.push_back(pool->allocate_block(64));
  for (std::byte* block : held) pool->free_block(block);
  EXPECT_GE(pool->peak_blocks(), 200u);
  EXPECT_LE(pool->peak_blocks(), 200u + SharedPool::kShelfBlocks);
}

}  // namespace
}  // namespace hyperion
