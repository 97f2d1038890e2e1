#include "loading/residency.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hyperion {
namespace {

std::vector<Candidate> equal_candidates(size_t count) {
  const std::vector<size_t> ranks = spread_ranks(count);
  std::vector<Candidate> candidates;
  for (const size_t rank : ranks) candidates.push_back({10, rank});
  return candidates;
}

TEST(Residency, KeepsEverythingThatFits) {
  EXPECT_EQ(choose_kept(equal_candidates(5), 50, 30), std::vector<bool>(5, true));
}

TEST(Residency, LeavesTheRingFree) {
  const std::vector<bool> kept = choose_kept(equal_candidates(10), 79, 30);
  EXPECT_EQ(std::count(kept.begin(), kept.end(), true), 4);
  EXPECT_EQ(choose_kept(equal_candidates(10), 20, 30), std::vector<bool>(10, false));
}

TEST(Residency, LiesEvenlyOverThePass) {
  const size_t count = 200;
  for (const uint64_t room : {500u, 1000u, 1500u}) {
    const std::vector<bool> kept = choose_kept(equal_candidates(count), room, 0);
    size_t in_first_half = 0, longest = 0, streamed = 0;
    for (size_t i = 0; i < count; ++i) {
      if (kept[i] && i < count / 2) ++in_first_half;
      streamed = kept[i] ? 0 : streamed + 1;
      longest = std::max(longest, streamed);
    }
    const double share = static_cast<double>(room) / (10 * count);
    EXPECT_NEAR(static_cast<double>(in_first_half), share * count / 2, 2);
    EXPECT_LE(static_cast<double>(longest), 3 / share);
  }
}

TEST(Residency, ASmallerSetIsWithinALargerOne) {
  const std::vector<Candidate> candidates = equal_candidates(50);
  for (uint64_t room = 10; room < 490; room += 10) {
    const std::vector<bool> smaller = choose_kept(candidates, room, 0);
    const std::vector<bool> larger = choose_kept(candidates, room + 10, 0);
    for (size_t i = 0; i < candidates.size(); ++i) EXPECT_LE(smaller[i], larger[i]);
  }
}

}  // namespace
}  // namespace hyperion
