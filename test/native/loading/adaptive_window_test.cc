#include "loading/adaptive_window.h"

#include <gtest/gtest.h>

#include "support/stores.h"

namespace hyperion {
namespace {

// Windows over passes whose stalls a rule tells.
template <typename Stalled>
std::vector<size_t> windows(AdaptiveWindow window, int passes, Stalled stalled, double idle = 0.5,
                            bool fits = true) {
  std::vector<size_t> seen;
  for (int pass = 0; pass < passes; ++pass) {
    window.note({1, stalled(window.window()), idle}, fits);
    seen.push_back(window.window());
  }
  return seen;
}

TEST(AdaptiveWindow, GrowsWhileThatHelps) {
  const auto halves = [](size_t window) { return 0.5 / static_cast<double>(1 << window); };
  EXPECT_EQ(windows({0, 7}, 5, halves), (std::vector<size_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(windows({0, 2}, 3, halves), (std::vector<size_t>{1, 2, 2}));
}

TEST(AdaptiveWindow, StaysWhereReadersAreBusyOrNothingMoreFits) {
  const auto always = [](size_t) { return 0.4; };
  EXPECT_EQ(windows({1, 7}, 3, always, 0.04), (std::vector<size_t>{1, 1, 1}));
  EXPECT_EQ(windows({1, 7}, 3, always, 0.5, false), (std::vector<size_t>{1, 1, 1}));
  EXPECT_EQ(windows({1, 7}, 3, [](size_t) { return 0.03; }), (std::vector<size_t>{1, 1, 1}));
}

TEST(AdaptiveWindow, TakesBackAStepThatWasNoHelpAndTriesMoreAndMoreRarely) {
  const std::vector<size_t> seen = windows({2, 7}, 200, [](size_t) { return 0.4; });
  EXPECT_EQ(seen[0], 3u);
  EXPECT_EQ(seen[1], 2u);
  const auto larger = static_cast<size_t>(std::count(seen.begin(), seen.end(), 3u));
  EXPECT_LE(larger, 6u);
  EXPECT_EQ(larger + static_cast<size_t>(std::count(seen.begin(), seen.end(), 2u)), seen.size());
}

TEST(AdaptiveWindow, ShrinksWhereItIsNotNeededAndNotBelowItsBeginning) {
  AdaptiveWindow window(1, 7);
  for (int pass = 0; pass < 3; ++pass) window.note({1, 0.5 / (pass + 1), 0.5}, true);
  EXPECT_EQ(window.window(), 4u);
  for (int pass = 0; pass < 100; ++pass) window.note({1, 0, 0.5}, true);
  EXPECT_EQ(window.window(), 1u);
}

// A disk whose reads take long and of which many go on at once: only more of them at a time help.
TEST(AdaptiveWindow, OfAStoreGrowsWithReadsThatTakeLong) {
  const auto stalls_with = [](bool adaptive) {
    Store store(std::vector<uint64_t>(32, 1), 12,
                {.readers = 6, .prefetch_window = 1, .adaptive_window = adaptive});
    store.file().set_read_ms(3);
    for (int pass = 0; pass < 12; ++pass) store.walk();
    const StoreReport report = store->report();
    EXPECT_EQ(report.window > 1, adaptive);
    EXPECT_LE(store.monitor().counters.snapshot().peak, 12 * kPage);
    const double before = store->statistics().stall_ms;
    for (int pass = 0; pass < 4; ++pass) store.walk();
    return store->statistics().stall_ms - before;
  };
  EXPECT_LT(stalls_with(true), stalls_with(false));
}

}  // namespace
}  // namespace hyperion
