#include "scheduling/requirements.h"

#include <gtest/gtest.h>

#include "base/checked.h"
#include "platform/pages.h"
#include "support/status_details.h"
#include "support/tiny_llama.h"

namespace hyperion {
namespace {

Requirements with_budget(const TinyLlama& network, uint64_t budget) {
  return Requirements(network.graph, *network.fake.model, {.budget = budget, .threads = 2});
}

TEST(Requirements, TheSmallestBudgetIsTheSumOfItsParts) {
  const TinyLlama network = make_tiny_llama({});
  const Requirements needs = with_budget(network, kUnlimited);
  for (const uint64_t positions : {1u, 64u, 65u, 300u}) {
    EXPECT_EQ(needs.smallest_budget(positions), needs.largest_part() + needs.activations(8) +
                                                    needs.kv(positions) + needs.scratch(positions) +
                                                    needs.staging());
  }
  EXPECT_LT(needs.smallest_budget(64), needs.smallest_budget(65));
}

TEST(Requirements, RefuseOnePageLessThanTheSmallest) {
  const TinyLlama network = make_tiny_llama({});
  const uint64_t smallest = with_budget(network, kUnlimited).smallest_budget(10);
  EXPECT_TRUE(with_budget(network, smallest).check(10).ok());
  const Status refused = with_budget(network, smallest - kPageSize).check(10);
  EXPECT_EQ(refused.code(), Code::over_budget);
  EXPECT_EQ(detail(refused, "smallestBudgetBytes"), static_cast<double>(smallest));
}

TEST(Requirements, EverythingFitsFromTheWorkingSetOn) {
  const TinyLlama network = make_tiny_llama({});
  const uint64_t working_set = with_budget(network, kUnlimited).working_set(20);
  EXPECT_TRUE(with_budget(network, working_set).everything_fits(20));
  EXPECT_FALSE(with_budget(network, working_set - 1).everything_fits(20));
}

TEST(Requirements, TheChunkTakesAnEighthOfTheBudgetAtMostAndLeavesRoom) {
  const TinyLlama network = make_tiny_llama({});
  const uint64_t smallest = with_budget(network, kUnlimited).smallest_budget(100);
  for (uint64_t budget = smallest; budget < 64 * smallest; budget += budget / 7) {
    const Requirements needs = with_budget(network, budget);
    const uint64_t chunk = needs.chunk(100);
    const uint64_t weights = needs.everything_fits(100) ? needs.weights() : needs.largest_part();
    EXPECT_LE(
        weights + needs.activations(chunk) + needs.kv(100) + needs.scratch(100) + needs.staging(),
        budget);
    if (chunk > 8) {
      EXPECT_LE(needs.activations(chunk), budget / 8);
    }
  }
  EXPECT_EQ(with_budget(network, kUnlimited).chunk(100),
            256u);  // the largest within a context of 300
  EXPECT_EQ(with_budget(network, smallest).chunk(100), 8u);
}

TEST(Requirements, PartsAreAsLargeAsThreeRingsOfEightHaveRoomFor) {
  const TinyLlama network = make_tiny_llama({.context = 300});
  const uint64_t rest = with_budget(network, kUnlimited).smallest_budget(300);
  const auto part_bytes = [&](uint64_t budget) { return with_budget(network, budget).part_bytes(); };
  for (const uint64_t bytes : {uint64_t{1} << 20, uint64_t{1} << 19}) {
    EXPECT_EQ(part_bytes(rest + 24 * bytes), bytes);
    EXPECT_EQ(part_bytes(rest + 24 * bytes - kPageSize), bytes / 2);
  }
  EXPECT_EQ(part_bytes(kUnlimited), uint64_t{1} << 20);
  EXPECT_EQ(part_bytes(rest), uint64_t{1} << 18);
}

TEST(Requirements, AShortContextBoundsTheChunk) {
  const TinyLlama network = make_tiny_llama({.context = 5});
  EXPECT_EQ(with_budget(network, kUnlimited).chunk(5), 5u);
  EXPECT_EQ(with_budget(network, kUnlimited).check_positions(6).code(), Code::invalid);
  EXPECT_EQ(with_budget(network, kUnlimited).check_positions(0).code(), Code::invalid);
}

TEST(Requirements, ATiedTableIsHeldOnce) {
  const TinyLlama tied = make_tiny_llama({.tied = true});
  EXPECT_EQ(with_budget(tied, kUnlimited).parts().layers[0].bytes, 0u);
  const TinyLlama untied = make_tiny_llama({.tied = false});
  EXPECT_GT(with_budget(untied, kUnlimited).parts().layers[0].bytes, 0u);
}

TEST(Requirements, OptionsHaveRanges) {
  EXPECT_TRUE(check_options({.budget = 1, .threads = 256}).ok());
  EXPECT_EQ(check_options({.budget = 0}).code(), Code::invalid);
  EXPECT_EQ(check_options({.threads = 0}).code(), Code::invalid);
  EXPECT_EQ(check_options({.threads = 257}).code(), Code::invalid);
  EXPECT_EQ(check_options({.readers = 0}).code(), Code::invalid);
}

// Whether sessions do run under these budgets is asked in inference/session_strategies_test.cc.
TEST(Requirements, OfEachStrategyTheSmallestBudgetIsEnoughAndAPageLessIsRefused) {
  const TinyLlama network = make_tiny_llama({});
  for (const auto kind : {StrategyConfig::Kind::fixed, StrategyConfig::Kind::pooled,
                          StrategyConfig::Kind::dynamic, StrategyConfig::Kind::hybrid}) {
    for (const uint64_t positions : {1u, 64u, 65u, 300u}) {
      const auto under = [&](uint64_t budget) {
        return Requirements(network.graph, *network.fake.model,
                            {.budget = budget, .threads = 2, .strategy = {.kind = kind}});
      };
      const uint64_t smallest = under(kUnlimited).smallest_budget(positions);
      EXPECT_EQ(smallest % kPageSize, 0u);
      EXPECT_TRUE(under(smallest).check(positions).ok());
      EXPECT_TRUE(under(smallest).check_strategy().ok());
      const Status refused = under(smallest - kPageSize).check(positions);
      EXPECT_EQ(refused.code(), Code::over_budget);
      EXPECT_EQ(detail(refused, "smallestBudgetBytes"), smallest);
    }
  }
}

TEST(Requirements, AStaticPoolLeavesRoomForARecordingAndIsRefusedWhereItDoesNot) {
  const TinyLlama network = make_tiny_llama({});
  const auto with_pool = [&](uint64_t pool, uint64_t budget) {
    const StrategyConfig strategy = {.kind = StrategyConfig::Kind::fixed,
                                     .initial_pool_size = pool};
    return Requirements(network.graph, *network.fake.model,
                        {.budget = budget, .strategy = strategy});
  };
  const uint64_t budget = with_pool(0, kUnlimited).smallest_budget(100);
  const uint64_t pool = with_pool(0, budget).strategy().initial_pool_size;
  EXPECT_EQ(pool, budget - round_up(kRecordingBytes, kPageSize));
  EXPECT_TRUE(with_pool(pool, budget).check_strategy().ok());
  EXPECT_EQ(with_pool(pool + kPageSize, budget).check_strategy().code(), Code::invalid);
  // A pool that is too small is the room, however large the budget is.
  EXPECT_EQ(with_pool(pool - kPageSize, kUnlimited).check(100).code(), Code::over_budget);
  EXPECT_TRUE(with_pool(pool, kUnlimited).check(100).ok());
}

}  // namespace
}  // namespace hyperion
