#include "memory/block_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

namespace hyperion {
namespace {

// Addresses that no block has: the table never looks behind them.
std::byte* address(uint64_t number) {
  return reinterpret_cast<std::byte*>(static_cast<uintptr_t>(number * 16));
}

TEST(BlockTable, ABlockIsFoundByItsHandleWithAllThatItWasAskedFor) {
  BlockTable table(1);
  const Request request = {12345, 4096, 77, Lifetime::lasting};
  const BlockHandle handle = table.add(address(9), request);
  ASSERT_NE(table.find(handle), nullptr);
  const TableBlock& block = *table.find(handle);
  EXPECT_EQ(block.data(), address(9));
  EXPECT_EQ(block.bytes(), 12345u);
  EXPECT_EQ(block.request().bytes, 12345u);
  EXPECT_EQ(block.request().alignment, 4096u);
  EXPECT_EQ(block.request().tag, 77u);
  EXPECT_EQ(block.request().lifetime, Lifetime::lasting);
}

TEST(BlockTable, TheLargestOfEverythingIsKept) {
  BlockTable table(1);
  std::byte* const last = address((1ull << 43) - 1);
  const uint64_t most = (1ull << 47) - 1;
  const BlockHandle handle = table.add(last, {most, kLargestAlignment, 1000});
  EXPECT_EQ(table.find(handle)->data(), last);
  EXPECT_EQ(table.find(handle)->bytes(), most);
  EXPECT_EQ(table.find(handle)->request().alignment, kLargestAlignment);
  EXPECT_EQ(table.find(handle)->request().tag, 1000u);
}

TEST(BlockTable, HandlesAreNumbersInJavaScriptAndNeverZero) {
  for (const uint64_t owner : {0ull, 1ull, 1022ull, 1023ull, 5000ull, ~0ull}) {
    BlockTable table(owner);
    for (int i = 0; i < 10; ++i) {
      const BlockHandle handle = table.add(address(1), {1});
      EXPECT_GT(handle, 0u);
      EXPECT_LT(handle, 1ull << 53);
      EXPECT_EQ(static_cast<BlockHandle>(static_cast<double>(handle)), handle);
    }
  }
}

TEST(BlockTable, AStaleHandleFindsNothingThoughItsSlotIsUsedAgain) {
  BlockTable table(1);
  const BlockHandle first = table.add(address(1), {100, 16, 7});
  table.remove(first);
  EXPECT_EQ(table.find(first), nullptr);
  ASSERT_NE(table.find_freed(first), nullptr);
  EXPECT_EQ(table.find_freed(first)->bytes(), 100u);
  EXPECT_EQ(table.find_freed(first)->request().tag, 7u);
  EXPECT_TRUE(table.is_stale(first));
  const BlockHandle second = table.add(address(1), {200});
  EXPECT_NE(first, second);
  EXPECT_EQ(table.find(first), nullptr);
  EXPECT_EQ(table.find_freed(first), nullptr) << "its slot was used since";
  EXPECT_TRUE(table.is_stale(first));
  EXPECT_FALSE(table.is_stale(second));
  EXPECT_EQ(table.find(second)->bytes(), 200u);
}

TEST(BlockTable, HandlesOfOtherTablesAndMadeUpOnesFindNothing) {
  BlockTable table(1);
  BlockTable other(2);
  const BlockHandle mine = table.add(address(1), {1});
  const BlockHandle foreign = other.add(address(1), {1});
  EXPECT_EQ(table.find(foreign), nullptr);
  EXPECT_FALSE(table.is_stale(foreign));
  EXPECT_EQ(table.find_freed(foreign), nullptr);
  std::mt19937_64 random(3);
  for (int i = 0; i < 100'000; ++i) {
    const BlockHandle made_up = random() >> random() % 64;
    if (made_up == mine) continue;
    EXPECT_EQ(table.find(made_up), nullptr) << made_up;
    EXPECT_EQ(table.find_freed(made_up), nullptr) << made_up;
  }
}

// When the count of a slot's uses wraps, a handle of long ago comes again: not before 2^20 uses.
TEST(BlockTable, AHandleComesAgainOnlyAfterAMillionUsesOfItsSlot) {
  BlockTable table(1);
  const BlockHandle first = table.add(address(1), {1});
  table.remove(first);
  uint64_t uses = 1;
  for (;; ++uses) {
    const BlockHandle handle = table.add(address(1), {1});
    ASSERT_NE(handle, 0u);
    ASSERT_EQ(table.size(), 1u);
    ASSERT_NE(table.find(handle), nullptr);
    table.remove(handle);
    ASSERT_EQ(table.find(handle), nullptr);
    if (handle == first) break;
    ASSERT_LT(uses, 1ull << 22);
  }
  EXPECT_GE(uses, 1ull << 20);
}

TEST(BlockTable, IsFullAtItsMostBlocksAndHasRoomAgain) {
  BlockTable table(1);
  std::vector<BlockHandle> handles;
  while (!table.full()) handles.push_back(table.add(address(handles.size() + 1), {1}));
  ASSERT_EQ(handles.size(), BlockTable::kMostBlocks);
  EXPECT_EQ(table.find(handles.back())->data(), address(handles.size()));
  table.remove(handles[5]);
  EXPECT_FALSE(table.full());
  EXPECT_NE(table.add(address(5), {1}), handles[5]);
  EXPECT_TRUE(table.full());
  table.clear();
  EXPECT_FALSE(table.full());
  EXPECT_EQ(table.size(), 0u);
}

TEST(BlockTable, EntriesAreOldestFirstWhateverTheirSlots) {
  BlockTable table(1);
  std::vector<BlockHandle> handles;
  for (uint64_t i = 0; i < 6; ++i) handles.push_back(table.add(address(i + 1), {i + 1}));
  table.remove(handles[1]);
  table.remove(handles[3]);
  const BlockHandle later = table.add(address(7), {7});
  std::vector<uint64_t> bytes;
  for (const BlockTable::Entry& entry : table.entries()) bytes.push_back(entry.block.bytes());
  EXPECT_EQ(bytes, (std::vector<uint64_t>{1, 3, 5, 6, 7}));
  EXPECT_EQ(table.entries().back().handle, later);
}

TEST(BlockTable, AgreesWithAMapOverALongSequence) {
  BlockTable table(3);
  std::map<BlockHandle, uint64_t> live;
  std::set<BlockHandle> gone;
  std::mt19937_64 random(11);
  for (uint64_t i = 1; i <= 200'000; ++i) {
    if (live.empty() || random() % 100 < 52) {
      const BlockHandle handle = table.add(address(i), {i});
      ASSERT_TRUE(live.emplace(handle, i).second);
      ASSERT_EQ(gone.count(handle), 0u);
    } else {
      auto one = live.lower_bound(random() % (1ull << 53));
      if (one == live.end()) one = live.begin();
      ASSERT_EQ(table.find(one->first)->bytes(), one->second);
      table.remove(one->first);
      gone.insert(one->first);
      live.erase(one);
    }
    if (i % 50'000 == 0) {
      table.clear();
      for (const auto& [handle, bytes] : live) gone.insert(handle);
      live.clear();
    }
    ASSERT_EQ(table.size(), live.size());
  }
  for (const BlockHandle handle : gone) ASSERT_EQ(table.find(handle), nullptr);
}

// What it takes to know a block: asserted, because a million of them should cost 32 MB at most.
static_assert(BlockTable::kBytesPerBlock <= 32);

}  // namespace
}  // namespace hyperion
