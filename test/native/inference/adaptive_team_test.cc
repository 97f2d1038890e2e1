#include "inference/adaptive_team.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace hyperion {
namespace {

// Sizes of passes of one token, which compute for a share of their time that a rule tells.
template <typename Share>
std::vector<size_t> sizes(AdaptiveTeam& team, int passes, Share share) {
  std::vector<size_t> seen;
  for (int pass = 0; pass < passes; ++pass) {
    seen.push_back(team.begin(1));
    team.note(100, 100 * share(seen.back()));
  }
  return seen;
}

TEST(AdaptiveTeam, HasFewerThreadsWhilePassesWaitForTheDisk) {
  AdaptiveTeam team(8);
  const auto all_wait = [](size_t size) { return 0.4 / static_cast<double>(size); };
  EXPECT_EQ(sizes(team, 7, all_wait), (std::vector<size_t>{8, 8, 4, 4, 2, 2, 1}));
  EXPECT_EQ(sizes(team, 3, all_wait), (std::vector<size_t>{1, 1, 1}));
}

TEST(AdaptiveTeam, HasAllWherePassesCompute) {
  AdaptiveTeam team(3);
  EXPECT_EQ(sizes(team, 4, [](size_t) { return 0.6; }), (std::vector<size_t>{3, 3, 3, 3}));
  EXPECT_EQ(sizes(team, 4, [](size_t) { return 1.0; }), (std::vector<size_t>{3, 3, 3, 3}));
}

TEST(AdaptiveTeam, GetsThemBackWhenThereIsLessToWaitFor) {
  AdaptiveTeam team(3);
  sizes(team, 3, [](size_t) { return 0.1; });
  EXPECT_EQ(sizes(team, 3, [](size_t) { return 0.9; }), (std::vector<size_t>{1, 2, 3}));
}

// One thread too few, and one too many, by turns.
TEST(AdaptiveTeam, TriesWhatWasInVainMoreAndMoreRarely) {
  AdaptiveTeam team(2);
  const std::vector<size_t> seen = sizes(team, 500, [](size_t size) { return size == 2 ? 0.5 : 1; });
  EXPECT_EQ(seen[2], 1u);
  EXPECT_EQ(seen[3], 2u);
  EXPECT_LE(std::count(seen.begin(), seen.end(), 1u), 8);
}

TEST(AdaptiveTeam, BeginsAnewWithPassesOfOtherSizes) {
  AdaptiveTeam team(2);
  sizes(team, 4, [](size_t) { return 0.1; });
  EXPECT_EQ(team.begin(1), 1u);
  EXPECT_EQ(team.begin(8), 2u);
  EXPECT_EQ(team.begin(1), 2u);
}

}  // namespace
}  // namespace hyperion
