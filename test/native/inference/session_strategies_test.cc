// Sessions under each strategy: the strategy decides where bytes lie and how many are held, never
// what is computed, and the smallest budget that is told is enough whatever comes in which order.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "support/sessions.h"

namespace hyperion {
namespace {

using Kind = StrategyConfig::Kind;

struct Subject {
  const char* name;
  StrategyConfig strategy;
};

const Subject kSubjects[] = {
    {"Static", {.kind = Kind::fixed}},
    {"Pooled", {.kind = Kind::pooled}},
    {"PooledInLargeBlocks", {.kind = Kind::pooled, .block_size = 32 * 1024}},
    {"PooledPrefilled", {.kind = Kind::pooled, .initial_pool_size = 20 * kPageSize}},
    {"Dynamic", {.kind = Kind::dynamic}},
    {"Hybrid", {.kind = Kind::hybrid, .initial_pool_size = 24 * kPageSize}},
    {"HybridOptimizing",
     {.kind = Kind::hybrid, .initial_pool_size = kPageSize, .enable_optimization = true}},
};

class SessionStrategies : public testing::TestWithParam<Subject> {
 protected:
  SessionOptions options(uint64_t budget = kUnlimited, uint64_t window = 2) const {
    return {
        .budget = budget, .threads = 2, .prefetch_window = window, .strategy = GetParam().strategy};
  }

  Requirements needs(const TinyLlama& network, uint64_t budget = kUnlimited) const {
    return Requirements(network.graph, *network.fake.model, options(budget));
  }
  uint64_t smallest_budget(const TinyLlama& network, uint64_t positions) const {
    return needs(network).smallest_budget(positions);
  }
};

TEST_P(SessionStrategies, GiveTheSameBitsUnderEveryBudgetAndWindow) {
  for (const bool tied : {false, true}) {
    const TinyLlama network = make_tiny_llama({.tied = tied});
    const std::vector<int32_t> ids = some_ids(150);
    const std::vector<float> expected = all_logits(*open(network, {}), ids, network.shape.vocab);
    const uint64_t smallest = smallest_budget(network, ids.size());
    for (const uint64_t extra : {0, 1, 3, 40}) {
      for (const uint64_t window : {0, 2}) {
        const uint64_t budget = smallest + extra * kPageSize;
        const auto session = open(network, options(budget, window));
        EXPECT_EQ(all_logits(*session, ids, network.shape.vocab), expected);
        EXPECT_LE(session->memory().reserved_peak, budget);
      }
    }
    EXPECT_EQ(needs(network, smallest - kPageSize).check(ids.size()).code(), Code::over_budget);
  }
}

// Blocks of the cache come one by one, between layers that come and go.
TEST_P(SessionStrategies, DecodeOverSeveralBlocksUnderTheSmallestBudget) {
  const TinyLlama network = make_tiny_llama({});
  const uint64_t vocab = network.shape.vocab;
  const std::vector<int32_t> ids = some_ids(200);
  const std::vector<float> expected = all_logits(*open(network, {}), ids, vocab);
  const auto session = open(network, options(smallest_budget(network, ids.size())));
  for (size_t t = 0; t < ids.size(); ++t) {
    std::vector<float> row(vocab);
    const Status status = forward(*session, {ids[t]}, row);
    ASSERT_TRUE(status.ok()) << t << ": " << status.message();
    ASSERT_EQ(0, std::memcmp(row.data(), expected.data() + t * vocab, vocab * sizeof(float))) << t;
  }
}

TEST_P(SessionStrategies, ARecordingStartsAndStopsInTheMiddle) {
  const TinyLlama network = make_tiny_llama({});
  const uint64_t vocab = network.shape.vocab;
  const std::vector<int32_t> ids = some_ids(180);
  const std::vector<float> expected = all_logits(*open(network, {}), ids, vocab);
  const uint64_t budget = smallest_budget(network, ids.size());
  const auto session = open(network, options(budget));
  for (size_t done = 0; done < ids.size(); done += 30) {
    const Status switched = session->record_events(done / 30 % 2 == 1);
    ASSERT_TRUE(switched.ok()) << switched.message();
    const std::vector<float> logits = all_logits(*session,
                                                 {ids.begin() + static_cast<ptrdiff_t>(done),
                                                  ids.begin() + static_cast<ptrdiff_t>(done) + 30},
                                                 vocab);
    EXPECT_EQ(0, std::memcmp(logits.data(), expected.data() + done * vocab,
                             logits.size() * sizeof(float)));
    EXPECT_EQ(session->drain_events().events.empty(), done / 30 % 2 == 0);
  }
  EXPECT_LE(session->memory().reserved_peak, budget);
}

// What was left by sequences before must not stand in the way of the longest that was promised.
TEST_P(SessionStrategies, AnyOrderOfPassesFitsTheSmallestBudgetOfTheLongest) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 12; ++round) {
    const TinyLlama network = make_tiny_llama(
        {.hidden = 40 + random() % 200, .layers = 1 + random() % 6, .tied = random() % 2 == 0});
    const uint64_t longest = 1 + random() % network.shape.context;
    const uint64_t budget = smallest_budget(network, longest) + random() % 4 * 7 * kPageSize;
    const auto session = open(network, options(budget, random() % 4));
    uint64_t position = 0;
    for (int pass = 0; pass < 12; ++pass) {
      if (random() % 5 == 0) {
        ASSERT_TRUE(session->record_events(random() % 2 == 0).ok());
      }
      if (position == longest || random() % 3 == 0) {
        ASSERT_TRUE(session->reset().ok());
        position = 0;
      }
      const uint64_t room = longest - position;
      const uint64_t count = random() % 3 == 0 ? room : 1 + random() % room;
      const Status status = forward(*session, some_ids(count), {});
      ASSERT_TRUE(status.ok()) << "round " << round << ", " << position << " + " << count << " of "
                               << longest << ": " << status.message();
      position += count;
    }
    EXPECT_LE(session->memory().reserved_peak, budget);
  }
}

TEST_P(SessionStrategies, CloseGivesBackAllThatTheStrategyHeld) {
  const TinyLlama network = make_tiny_llama({});
  const uint64_t before = live_bytes();
  const auto session = open(network, options(smallest_budget(network, 100)));
  ASSERT_TRUE(forward(*session, some_ids(100), {}).ok());
  EXPECT_GT(live_bytes(), before);
  session->close();
  EXPECT_EQ(live_bytes(), before);
}

std::string name_of(const testing::TestParamInfo<Subject>& subject) {
  return subject.param.name;
}

INSTANTIATE_TEST_SUITE_P(Strategies, SessionStrategies, testing::ValuesIn(kSubjects), name_of);

}  // namespace
}  // namespace hyperion
