#include "inference/adaptive_team.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace hyperion {
namespace {

// Sizes of passes of one token, whose times a rule tells.
template <typename Times>
std::vector<size_t> sizes(AdaptiveTeam& team, int passes, Times times) {
  std::vector<size_t> seen;
  for (int pass = 0; pass < passes; ++pass) {
    seen.push_back(team.begin(1));
    team.note(times(seen.back()));
  }
  return seen;
}

// The disk takes all of the time, whatever the size.
TeamPass waiting(size_t size) {
  return {100, 40 / static_cast<double>(size), 100};
}

TeamPass resident(size_t size) {
  const double ms = 100 / static_cast<double>(size);
  return {ms, ms, 0};
}

TEST(AdaptiveTeam, HasFewerThreadsWhilePassesWaitForTheDisk) {
  AdaptiveTeam team(8);
  EXPECT_EQ(sizes(team, 8, waiting), (std::vector<size_t>{8, 8, 4, 4, 2, 2, 1, 1}));
  EXPECT_EQ(sizes(team, 300, waiting), std::vector<size_t>(300, 1));
}

TEST(AdaptiveTeam, HasAllWherePassesReadLittle) {
  AdaptiveTeam team(3);
  EXPECT_EQ(sizes(team, 100, resident), std::vector<size_t>(100, 3));
}

TEST(AdaptiveTeam, HasAllWherePassesWaitForNoRead) {
  AdaptiveTeam team(3);
  const auto hidden = [](size_t) { return TeamPass{100, 99, 90}; };
  EXPECT_EQ(sizes(team, 100, hidden), std::vector<size_t>(100, 3));
}

TEST(AdaptiveTeam, GetsThemBackAtOnceWhenNothingIsReadAnyMore) {
  AdaptiveTeam team(3);
  EXPECT_EQ(sizes(team, 4, waiting).back(), 1u);
  EXPECT_EQ(sizes(team, 3, resident), (std::vector<size_t>{1, 2, 3}));
}

// Two threads and the disk slow each other down: passes compute for most of their time with either
// size.
TEST(AdaptiveTeam, KeepsFewerThreadsThatAreFaster) {
  AdaptiveTeam team(2);
  const auto contended = [](size_t size) {
    const double ms = size == 2 ? 120 : 100;
    return TeamPass{ms, 0.9 * ms, ms};
  };
  const std::vector<size_t> seen = sizes(team, 500, contended);
  EXPECT_EQ((std::vector(seen.begin(), seen.begin() + 5)), (std::vector<size_t>{2, 2, 1, 1, 1}));
  EXPECT_LE(std::count(seen.begin() + 2, seen.end(), 2u), 6);
}

TEST(AdaptiveTeam, TriesWhatWasInVainMoreAndMoreRarely) {
  AdaptiveTeam team(2);
  const auto computing = [](size_t size) {
    const double ms = size == 2 ? 60 : 100;
    return TeamPass{ms, 0.9 * ms, 55};
  };
  const std::vector<size_t> seen = sizes(team, 500, computing);
  EXPECT_EQ(seen[2], 1u);
  EXPECT_EQ(seen[3], 2u);
  EXPECT_LE(std::count(seen.begin(), seen.end(), 1u), 6);
}

// Where more threads have become faster, a trial finds out.
TEST(AdaptiveTeam, ComesBackToMoreThreadsThatAreFaster) {
  AdaptiveTeam team(2);
  sizes(team, 4, waiting);
  const auto computing = [](size_t size) {
    const double ms = size == 2 ? 60 : 100;
    return TeamPass{ms, ms, 60};
  };
  EXPECT_EQ(sizes(team, 40, computing).back(), 2u);
}

TEST(AdaptiveTeam, BeginsAnewWithPassesOfOtherSizes) {
  AdaptiveTeam team(2);
  sizes(team, 4, waiting);
  EXPECT_EQ(team.begin(1), 1u);
  EXPECT_EQ(team.begin(8), 2u);
  EXPECT_EQ(team.begin(1), 2u);
}

}  // namespace
}  // namespace hyperion
