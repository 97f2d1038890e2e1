#include "memory/dynamic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "platform/pages.h"
#include "support/heap_resource.h"

namespace hyperion {
namespace {

constexpr uint64_t kKiB = 1024;

struct Block {
  std::byte* address;
  Request request;
  unsigned char pattern;
};

void fill(const Block& block) {
  std::memset(block.address, block.pattern, block.request.bytes);
}

// Whether the block still holds its pattern: at its ends and at a few places between.
bool intact(const Block& block) {
  const uint64_t last = block.request.bytes - 1;
  for (uint64_t i = 0; i <= 8; ++i) {
    if (block.address[last * i / 8] != std::byte{block.pattern}) return false;
  }
  return true;
}

uint64_t log_uniform(std::mt19937_64& random, double least, double most) {
  const double u = static_cast<double>(random() >> 11) * 0x1p-53;
  return static_cast<uint64_t>(std::lround(least * std::pow(most / least, u)));
}

TEST(SizeClasses, EveryClassIsTheSmallestThatHolds) {
  for (uint64_t bytes = 1; bytes <= kLargestClassBytes; ++bytes) {
    const uint32_t index = size_class(bytes);
    ASSERT_LT(index, kSizeClasses);
    ASSERT_GE(class_bytes(index), bytes);
    ASSERT_TRUE(index == 0 || class_bytes(index - 1) < bytes);
  }
  EXPECT_EQ(class_bytes(kSizeClasses - 1), kLargestClassBytes);
}

TEST(SizeClasses, AClassKeepsTheAlignmentOfItsSize) {
  for (uint64_t alignment = 16; alignment <= 2 * kKiB; alignment *= 2) {
    for (uint64_t bytes = alignment; bytes <= kLargestClassBytes; bytes += alignment) {
      ASSERT_EQ(class_bytes(size_class(bytes)) % alignment, 0u);
    }
  }
}

TEST(Dynamic, BlocksStayApartAlignedAndCountedInLongRandomUse) {
  HeapResource upstream;
  Dynamic dynamic(upstream);
  std::mt19937_64 random(11);
  std::vector<Block> live;
  uint64_t requested = 0;
  for (int i = 0; i < 60000; ++i) {
    if (live.size() > 1500 || (!live.empty() && random() % 5 < 2)) {
      std::swap(live[random() % live.size()], live.back());
      ASSERT_TRUE(intact(live.back()));
      ASSERT_EQ(dynamic.free(live.back().address, live.back().request), FreeResult::freed);
      requested -= live.back().request.bytes;
      live.pop_back();
    } else {
      const uint64_t alignment = random() % 4 == 0 ? 1ull << random() % 14 : kDefaultAlignment;
      const Request request{log_uniform(random, 1, 200000), alignment};
      std::byte* address = dynamic.allocate(request);
      ASSERT_NE(address, nullptr);
      ASSERT_EQ(reinterpret_cast<uintptr_t>(address) % alignment, 0u);
      live.push_back({address, request, static_cast<unsigned char>(random())});
      fill(live.back());
      requested += request.bytes;
    }
    const Usage usage = dynamic.usage();
    ASSERT_EQ(usage.requested, requested);
    ASSERT_EQ(usage.blocks, live.size());
    ASSERT_GE(usage.active, usage.requested);
    ASSERT_GE(usage.reserved, usage.active);
    ASSERT_EQ(usage.reserved, upstream.usage().reserved);
  }
  for (const Block& block : live) {
    ASSERT_TRUE(intact(block));
    dynamic.free(block.address, block.request);
  }
  EXPECT_EQ(dynamic.usage().active, 0u);
  const uint64_t reserved = dynamic.usage().reserved;
  EXPECT_EQ(dynamic.trim(), reserved);
  EXPECT_EQ(dynamic.usage().reserved, 0u);
  EXPECT_EQ(upstream.usage().blocks, 0u);
}

TEST(Dynamic, ActiveBytesAreTheRoundedSizes) {
  HeapResource upstream;
  Dynamic dynamic(upstream);
  std::mt19937_64 random(3);
  std::vector<Block> live;
  uint64_t active = 0;
  for (int i = 0; i < 3000; ++i) {
    const Request request{1 + random() % kLargestClassBytes};
    live.push_back({dynamic.allocate(request), request, 0});
    active += class_bytes(size_class(request.bytes));
    ASSERT_EQ(dynamic.usage().active, active);
  }
  for (const Block& block : live) {
    dynamic.free(block.address, block.request);
    active -= class_bytes(size_class(block.request.bytes));
    ASSERT_EQ(dynamic.usage().active, active);
  }
}

TEST(Dynamic, LittleIsReservedBeyondTenThousandBlocksOfMixedSizes) {
  HeapResource upstream;
  Dynamic dynamic(upstream);
  std::mt19937_64 random(43);
  std::vector<Block> live(10000);
  const auto allocate = [&](Block& block) {
    block.request = {log_uniform(random, 16, 65536)};
    block.address = dynamic.allocate(block.request);
    ASSERT_NE(block.address, nullptr);
  };
  for (Block& block : live) allocate(block);
  for (int i = 0; i < 200000; ++i) {
    Block& block = live[random() % live.size()];
    dynamic.free(block.address, block.request);
    allocate(block);
  }
  const Usage usage = dynamic.usage();
  RecordProperty("reservedPerRequested",
                 std::to_string(static_cast<double>(usage.reserved) / usage.requested));
  EXPECT_LE(static_cast<double>(usage.reserved), 1.25 * static_cast<double>(usage.requested));
}

TEST(Dynamic, WholePagesComeAsAskedAndGoBackAtOnce) {
  HeapResource upstream;
  Dynamic dynamic(upstream);
  uint64_t expected = 0;
  std::vector<Block> live;
  for (const Request& request : {Request{kPageSize, kPageSize}, Request{kLargestClassBytes + 1},
                                 Request{3 * kPageSize - 5, 2048}, Request{100, kLargestAlignment},
                                 Request{1 << 20, kPageSize}}) {
    live.push_back({dynamic.allocate(request), request, 1});
    ASSERT_NE(live.back().address, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(live.back().address) % request.alignment, 0u);
    fill(live.back());
    expected += round_up(request.bytes, kPageSize);
    EXPECT_EQ(dynamic.usage().reserved, expected);
    EXPECT_EQ(dynamic.usage().active, expected);
  }
  for (const Block& block : live) dynamic.free(block.address, block.request);
  EXPECT_EQ(dynamic.usage().reserved, 0u);
}

TEST(Dynamic, ARefusalLeavesBlocksAndCountsAndRoomComesBackWithFrees) {
  HeapResource upstream(512 * kKiB);
  Dynamic dynamic(upstream);
  std::mt19937_64 random(7);
  std::vector<Block> live;
  for (;;) {
    const Request request{log_uniform(random, 16, 65536)};
    const Usage before = dynamic.usage();
    std::byte* address = dynamic.allocate(request);
    if (address == nullptr) {
      const Usage after = dynamic.usage();
      EXPECT_EQ(after.active, before.active);
      EXPECT_EQ(after.requested, before.requested);
      EXPECT_EQ(after.blocks, before.blocks);
      EXPECT_EQ(dynamic.refusal(request).code(), Code::out_of_memory);
      break;
    }
    live.push_back({address, request, static_cast<unsigned char>(live.size())});
    fill(live.back());
  }
  EXPECT_GT(dynamic.usage().requested, 400 * kKiB) << "refused with much room left";
  for (const Block& block : live) {
    ASSERT_TRUE(intact(block));
    dynamic.free(block.address, block.request);
  }
  // All that was refused for want of room is now in caches and runs, which a large block needs
  // back.
  const Request all{512 * kKiB};
  std::byte* whole = dynamic.allocate(all);
  ASSERT_NE(whole, nullptr);
  dynamic.free(whole, all);
}

TEST(Dynamic, ARefusalSaysWhatIsFree) {
  HeapResource upstream(64 * kKiB);
  Dynamic dynamic(upstream);
  std::byte* small = dynamic.allocate({1000});
  ASSERT_NE(small, nullptr);
  EXPECT_EQ(dynamic.allocate({100 * kKiB}), nullptr);
  const Status refusal = dynamic.refusal({100 * kKiB});
  const Usage usage = dynamic.usage();
  ASSERT_FALSE(refusal.details().empty());
  EXPECT_EQ(refusal.details().back().first, "freeInHeapBytes");
  EXPECT_EQ(refusal.details().back().second, static_cast<double>(usage.reserved - usage.active));
}

TEST(Dynamic, TheLargestFreeBlockNeedsNoUpstream) {
  HeapResource upstream;
  Dynamic dynamic(upstream);
  EXPECT_EQ(dynamic.usage().largest_free, 0u);
  ASSERT_NE(dynamic.allocate({100}), nullptr);
  upstream.set_limit(upstream.usage().reserved);
  uint64_t largest;
  while ((largest = dynamic.usage().largest_free) > 0) {
    ASSERT_NE(dynamic.allocate({largest}), nullptr);
  }
  EXPECT_EQ(dynamic.allocate({16}), nullptr);
}

TEST(Dynamic, ResetAndTheEndGiveLiveBlocksBackToo) {
  HeapResource upstream;
  Dynamic dynamic(upstream);
  const auto use = [&] {
    for (uint64_t bytes = 16; bytes < 1 << 20; bytes *= 2) {
      ASSERT_NE(dynamic.allocate({bytes}), nullptr);
    }
  };
  use();
  dynamic.reset();
  EXPECT_EQ(upstream.usage().blocks, 0u);
  EXPECT_EQ(dynamic.usage().reserved, 0u);
  EXPECT_EQ(dynamic.usage().blocks, 0u);
  use();  // the upstream itself checks at its end that these came back
}

TEST(Dynamic, ForeignPagesAreTold) {
  HeapResource upstream;
  Dynamic dynamic(upstream);
  std::byte other;
  EXPECT_EQ(dynamic.free(&other, {1 << 20}), FreeResult::foreign);
}

}  // namespace
}  // namespace hyperion
