#include "loading/layer_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <thread>

#include "platform/pages.h"
#include "support/stores.h"

namespace hyperion {
namespace {

// Loads that Belady's rule needs for passes over n equal layers with room for `room` of them.
uint64_t belady_loads(int n, size_t room, int passes) {
  std::vector<int> resident;
  uint64_t loads = 0;
  for (int step = 0; step < n * passes; ++step) {
    const int layer = step % n;
    if (std::find(resident.begin(), resident.end(), layer) != resident.end()) continue;
    ++loads;
    if (resident.size() == room) {
      const auto distance = [&](int other) { return (other - layer + n) % n; };
      resident.erase(std::max_element(resident.begin(), resident.end(),
                                      [&](int a, int b) { return distance(a) < distance(b); }));
    }
    resident.push_back(layer);
  }
  return loads;
}

// Keeping a set for good costs one load a pass more than Belady's rule, whose set moves on.
TEST(LayerStore, LoadsNearlyAsFewPartsAsBeladysRuleOnCyclicPasses) {
  for (const int layers : {2, 5, 9}) {
    for (int room = 1; room <= layers; ++room) {
      Store store(std::vector<uint64_t>(static_cast<size_t>(layers), 2),
                  2u * static_cast<uint64_t>(room), 0);
      for (int pass = 0; pass < 6; ++pass) store.walk();
      const StoreStatistics statistics = store->statistics();
      const uint64_t least = belady_loads(layers, static_cast<size_t>(room), 6);
      EXPECT_GE(statistics.loads, least);
      EXPECT_LE(statistics.loads, least + 5) << layers << " layers, room for " << room;
      EXPECT_EQ(statistics.hits + statistics.stalls, static_cast<uint64_t>(6 * layers));
      EXPECT_EQ(statistics.loads - statistics.evictions, store->resident_layers().size());
    }
  }
}

// Seen with an embedding table, whose rows are read singly: room was left for it to stream through,
// so that nothing was kept and what was resident wandered through the model.
TEST(LayerStore, APartThatNoPassVisitsTakesNoRoomFromThoseThatStay) {
  std::vector<uint64_t> pages(13, 2);
  pages[0] = 40;
  Store store(pages, 14, 2);
  std::vector<int> order(12);
  std::iota(order.begin(), order.end(), 1);
  std::vector<int> stayed = order;
  for (int pass = 0; pass < 12; ++pass) {
    store->begin_pass(order, order);
    for (const int layer : order) ASSERT_TRUE(store.acquire(layer).ok());
    const std::vector<int> resident = store->resident_layers();
    if (pass > 0) {
      std::erase_if(stayed, [&](int layer) { return std::ranges::count(resident, layer) == 0; });
    }
  }
  EXPECT_GE(stayed.size(), 4u);  // room for seven, of which three are for the rest
}

TEST(LayerStore, WhatStreamsHasARingOfEightPartsOrOfASixthOfTheRoom) {
  struct Case {
    uint64_t room, ring;  // parts
  };
  for (const auto& [room, ring] : {Case{32, 8}, Case{60, 10}, Case{400, kMostAhead + 1}}) {
    Store store(std::vector<uint64_t>(500, 2), 2 * room,
                {.readers = 2, .prefetch_window = kMostAhead});
    for (int pass = 0; pass < 2; ++pass) store.walk();
    const StoreReport report = store->report();
    EXPECT_EQ(report.ring_bytes, 2 * ring * kPage);
    uint64_t kept = 0;
    for (const LayerReport& layer : report.layers) {
      kept += layer.kept_bytes;
      EXPECT_GE(layer.resident_bytes, layer.kept_bytes);
    }
    EXPECT_EQ(kept, 2 * (room - ring) * kPage);
  }
}

TEST(LayerStore, HoldsTheBudgetWhateverTheWindowAndSizes) {
  for (const size_t window : {0u, 1u, 2u, 20u}) {
    for (const uint64_t budget : {5u, 7u, 11u, 16u, 100u}) {
      Store store({3, 1, 4, 1, 5, 2}, budget, window, 2);
      for (int pass = 0; pass < 4; ++pass) store.walk();
      EXPECT_LE(store.monitor().counters.snapshot().peak, budget * kPage);
      if (budget >= 16) {
        EXPECT_EQ(store->statistics().loads, 6u);
      }
    }
  }
}

TEST(LayerStore, ReusesARegionOfTheSameSize) {
  Store store(std::vector<uint64_t>(4, 2), 2, 0);
  store.walk();
  EXPECT_EQ(store.monitor().counters.snapshot().allocations, 1u);
}

// Seen with the key and value projections beside the blocks of larger matrices: mapping and
// unmapping took thousands of page faults a pass.
TEST(LayerStore, WhatStreamsPassesThroughSlotsWithoutNewAllocations) {
  Store store({8, 2, 7, 8, 2, 7, 8, 2, 7}, 40,
              {.readers = 1, .prefetch_window = 1, .slot_bytes = 8 * kPage});
  for (int pass = 0; pass < 2; ++pass) store.walk();
  const auto allocations = [&] { return store.monitor().counters.snapshot().allocations; };
  const auto before = allocations();
  for (int pass = 0; pass < 3; ++pass) store.walk();
  EXPECT_EQ(allocations(), before);
  EXPECT_GT(store->statistics().loads, 9u);
}

// Blocks of a huge page, by which small slots are taken.
size_t huge_blocks(Store& store) {
  const std::vector<LiveBlock> blocks = store.memory().blocks();
  return static_cast<size_t>(
      std::count_if(blocks.begin(), blocks.end(),
                    [](const LiveBlock& block) { return block.bytes == kHugePageSize; }));
}

TEST(LayerStore, SmallSlotsAreTakenByTheHugePageWhereThereIsRoom) {
  constexpr uint64_t kSlot = 64;  // pages
  for (const auto& [policy, budget, blocks] : {std::tuple(PolicyKind::cyclic, 40 * kSlot, 1u),
                                               {PolicyKind::cyclic, 20 * kSlot, 0u},
                                               {PolicyKind::lru, 40 * kSlot, 5u}}) {
    Store store(std::vector<uint64_t>(60, kSlot), budget,
                {.readers = 4,
                 .prefetch_window = kMostAhead,
                 .policy = policy,
                 .slot_bytes = kSlot * kPage});
    for (int pass = 0; pass < 3; ++pass) store.walk();
    EXPECT_EQ(huge_blocks(store), blocks);
    EXPECT_LE(store.monitor().counters.snapshot().peak, budget * kPage);
    if (policy != PolicyKind::cyclic) continue;
    uint64_t kept = 0;
    for (const LayerReport& layer : store->report().layers) kept += layer.kept_bytes;
    EXPECT_EQ(kept, (budget - 8 * kSlot) * kPage);
  }
}

// A huge page is given back when the last of its slots is let go, so none may be held for long.
TEST(LayerStore, SlotsThatWereTakenTogetherGiveWayToASmallerBudget) {
  constexpr uint64_t kSlot = 64;
  Store store(std::vector<uint64_t>(60, kSlot), 40 * kSlot,
              {.readers = 4, .prefetch_window = kMostAhead, .slot_bytes = kSlot * kPage});
  for (int pass = 0; pass < 2; ++pass) store.walk();
  ASSERT_EQ(huge_blocks(store), 1u);
  store.memory().set_budget(2 * kSlot * kPage);
  store->plan_anew();
  EXPECT_TRUE(store.memory().settle());
  EXPECT_EQ(huge_blocks(store), 0u);
  store.walk();
  EXPECT_LE(store.memory().budget().charged(), 2 * kSlot * kPage);
  store.memory().set_budget(40 * kSlot * kPage);
  for (int pass = 0; pass < 2; ++pass) store.walk();
  EXPECT_EQ(huge_blocks(store), 1u);
}

TEST(LayerStore, UnderAPolicyThatKeepsNoSetASmallPartTakesNoSlot) {
  Store store({8, 2, 2, 2}, 16, {.policy = PolicyKind::lru, .slot_bytes = 8 * kPage});
  for (int pass = 0; pass < 3; ++pass) store.walk();
  EXPECT_EQ(store->statistics().loads, 4u);
}

TEST(LayerStore, PrefetchesPastTheEndOfAPass) {
  Store store(std::vector<uint64_t>(4, 1), 2, 1);
  store.walk();
  store.file().await_reads(5);  // the fifth is layer 0 again, which nobody has acquired
  EXPECT_EQ(store->statistics().stalls + store->statistics().hits, 4u);
}

TEST(LayerStore, APrefetchEvictsNothingNeededSooner) {
  // Room for two of three: while 1 is pinned, 2 may replace 0; while 2 is pinned, 0 may replace 1;
  // never the other way.
  Store store(std::vector<uint64_t>(3, 1), 2, 2);
  for (int pass = 0; pass < 3; ++pass) store.walk();
  EXPECT_LE(store->statistics().loads, 3u * 3 + 1);
}

TEST(LayerStore, DemandEvictsAPrefetchThatIsBeingRead) {
  Store store(std::vector<uint64_t>(4, 1), 2, 1);
  store.begin_pass();
  {
    Result<PartPin> pin = store.acquire(0);
    ASSERT_TRUE(pin.ok());
  }
  // The prefetch of layer 1 may be under way; another pass than foreseen wants 2 and 3.
  store->begin_pass({2, 3}, {2, 3});
  Result<PartPin> two = store.acquire(2);
  ASSERT_TRUE(two.ok());
  Result<PartPin> three = store.acquire(3);
  ASSERT_TRUE(three.ok());
  EXPECT_EQ(store->resident_layers(), (std::vector<int>{2, 3}));
}

TEST(LayerStore, RefusesWhatDoesNotFitBesideThePinned) {
  Store store(std::vector<uint64_t>(2, 2), 3, 0);
  store.begin_pass();
  Result<PartPin> pin = store.acquire(0);
  ASSERT_TRUE(pin.ok());
  EXPECT_EQ(store.acquire(1).status().code(), Code::over_budget);
  EXPECT_EQ(store->resident_layers(), (std::vector<int>{0}));
}

TEST(LayerStore, AnErrorNamesTheLayerAndLeavesTheStoreUsable) {
  Store store(std::vector<uint64_t>(3, 2), 6, 2);
  store.file().fail_at(3 * kPage);
  store.begin_pass();
  ASSERT_TRUE(store.acquire(0).ok());
  const Status status = store.acquire(1).status();
  EXPECT_EQ(status.code(), Code::io);
  EXPECT_NE(status.message().find("layer1"), std::string::npos);
  EXPECT_NE(status.message().find("fake.safetensors"), std::string::npos);
  store.file().fail_at(std::nullopt);
  store.walk();
  EXPECT_EQ(store.monitor().counters.snapshot().current, 6 * kPage);
}

TEST(LayerStore, EveryReadThatBeginsIsSaidToEndEitherWay) {
  Store store(std::vector<uint64_t>(3, 2), 6, 2);
  std::vector<Event> ring(64);
  store.monitor().events.start(ring);
  store.file().fail_at(3 * kPage);
  store.begin_pass();
  ASSERT_TRUE(store.acquire(0).ok());
  EXPECT_FALSE(store.acquire(1).ok());
  store.file().fail_at(std::nullopt);
  store.walk();
  std::map<EventKind, int> counts;
  for (const Event& event : store.monitor().events.drain().events) ++counts[event.kind];
  store.monitor().events.stop();
  EXPECT_GE(counts[EventKind::dropped], 1);
  EXPECT_EQ(counts[EventKind::read_begin], counts[EventKind::loaded] + counts[EventKind::dropped]);
}

TEST(LayerStore, AFileCutShortIsCorrupt) {
  Store store(std::vector<uint64_t>(2, 2), 4, 0);
  store.file().cut(3 * kPage);
  store.begin_pass();
  ASSERT_TRUE(store.acquire(0).ok());
  EXPECT_EQ(store.acquire(1).status().code(), Code::corrupt);
}

TEST(LayerStore, AWaitIsCancelledWhileTheDiskIsSlow) {
  Store store(std::vector<uint64_t>(2, 1), 2, 1);
  store.file().shut_gate();
  std::thread canceller([&] {
    store.file().await_waiting(1);
    store.cancelled() = true;
    store->interrupt();
  });
  store.begin_pass();
  EXPECT_EQ(store.acquire(0).status().code(), Code::cancelled);
  canceller.join();
  store.cancelled() = false;
  store.file().open_gate();
  store.walk();
  EXPECT_EQ(store->statistics().loads, 2u);  // the cancelled load went on and was used
}

TEST(LayerStore, AWaitForRoomIsCancelledAndTheLoadThatStoodInTheWayComesBack) {
  // Room for one. The load of layer 0 is cancelled while it is read; layer 1 must then wait for
  // that read to end.
  Store store(std::vector<uint64_t>(2, 1), 1, 0);
  store.file().shut_gate();
  store.cancelled() = true;
  store.begin_pass();
  EXPECT_EQ(store.acquire(0).status().code(), Code::cancelled);
  store.file().await_waiting(1);
  EXPECT_EQ(store.acquire(1).status().code(), Code::cancelled);
  EXPECT_FALSE(store->reclaim());
  store.cancelled() = false;
  std::thread opener([&] { store.file().open_gate(); });
  // Layer 0 was given up for layer 1, yet whoever wants it now gets it whole.
  Result<PartPin> pin = store.acquire(0);
  ASSERT_TRUE(pin.ok()) << pin.status().message();
  EXPECT_EQ(store->resident_layers(), (std::vector<int>{0}));
  opener.join();
}

TEST(LayerStore, ReclaimsUnpinnedLayersOnly) {
  Store store(std::vector<uint64_t>(3, 1), 3, 0);
  store.walk();
  store.begin_pass();
  Result<PartPin> pin = store.acquire(0);
  ASSERT_TRUE(pin.ok());
  Result<Region> cache = Region::allocate(store.memory(), Tag::kv_cache, 2 * kPage);
  EXPECT_TRUE(cache.ok());
  EXPECT_EQ(store->resident_layers(), (std::vector<int>{0}));
  EXPECT_FALSE(Region::allocate(store.memory(), Tag::kv_cache, kPage).ok());
}

TEST(LayerStore, EndsWhileReadsAreUnderWayAndLeavesNothing) {
  Store store(std::vector<uint64_t>(4, 3), 12, 3, 2);
  store.file().shut_gate();
  store.cancelled() = true;
  store.begin_pass();
  EXPECT_FALSE(store.acquire(0).ok());
  store.file().await_waiting(2);
  std::thread opener([&] { store.file().open_gate(); });
  store.destroy();
  opener.join();
  EXPECT_EQ(store.monitor().counters.snapshot().current, 0u);
}

TEST(LayerStore, FindsTheHolderOfATensorOnlyWhileItIsResident) {
  Store store(std::vector<uint64_t>(2, 1), 2, 0);
  EXPECT_FALSE(store->pin_holder({1, 0, 4}).has_value());
  store.walk();
  EXPECT_TRUE(store->pin_holder({1, 0, 4}).has_value());
  EXPECT_FALSE(store->pin_holder({2, 0, 4}).has_value());
}

TEST(LayerStore, ALayerWithoutTensorsIsAlwaysThere) {
  Store store({0, 1}, 1, 1);
  store.walk();
  store.walk();
  EXPECT_EQ(store.monitor().counters.snapshot().peak, kPage);
}

}  // namespace
}  // namespace hyperion
