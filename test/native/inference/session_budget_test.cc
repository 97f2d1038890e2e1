// A session's budget that changes while it runs: nothing is held beyond it, and no bit changes.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <bit>
#include <random>
#include <thread>

#include "support/sessions.h"
#include "support/status_details.h"

namespace hyperion {
namespace {

constexpr uint64_t kVocab = 23;

Requirements needs(const TinyLlama& network, const SessionOptions& options = {}) {
  return Requirements(network.graph, *network.fake.model, options);
}

// Large enough to be cut into several parts.
const TinyLlamaShape kCut = {.width = 128, .hidden = 1024, .layers = 3};

// The least budget during passes over that many tokens. (Classes of `pooled` may take less for
// more.)
uint64_t least_for(const Requirements& requirements, uint64_t tokens) {
  uint64_t least = 0;
  for (uint64_t positions = 1; positions <= tokens; ++positions) {
    for (uint64_t rows = 8; rows <= std::bit_ceil(tokens); rows *= 2) {
      least = std::max(least, requirements.smallest_running(positions, rows));
    }
  }
  return least;
}

uint64_t charged(Session& session) {
  return session.engine_memory().budget().charged();
}

TEST(SessionBudget, SweptDuringPassesChangesNoBitAndHoldsNoMoreThanItSays) {
  for (const TinyLlamaShape& shape :
       {TinyLlamaShape{}, TinyLlamaShape{.tied = true}, kCut}) {
    for (const StrategyConfig& strategy :
         {StrategyConfig{}, StrategyConfig{.kind = StrategyConfig::Kind::hybrid},
          StrategyConfig{.kind = StrategyConfig::Kind::pooled}}) {
      const TinyLlama network = make_tiny_llama(shape);
      const std::vector<int32_t> ids = some_ids(90);
      const std::vector<float> expected = all_logits(*open(network, {}), ids, kVocab);
      SessionOptions options = {.threads = 2, .strategy = strategy};
      options.budget = needs(network, options).working_set(ids.size()) + 64 * kPageSize;
      const uint64_t largest = options.budget;
      const auto session = open(network, options);
      const uint64_t least = least_for(needs(network, options), ids.size());

      std::atomic<bool> done = false;
      std::atomic<uint64_t> changes = 0;
      std::thread sweep([&] {
        std::mt19937_64 random(7);
        while (!done) {
          const uint64_t budget = least + random() % (largest - least + 1);
          const Status status = session->set_budget(budget);
          ASSERT_TRUE(status.ok()) << status.message();
          ASSERT_LE(charged(*session), budget);
          ++changes;
        }
      });
      for (int round = 0; round < 10 || changes < 20; ++round) {
        const std::vector<float> prefill =
            all_logits(*session, {ids.begin(), ids.begin() + 80}, kVocab);
        EXPECT_TRUE(std::equal(prefill.begin(), prefill.end(), expected.begin()));
        for (size_t t = 80; t < ids.size(); ++t) {
          const std::vector<float> row = all_logits(*session, {ids[t]}, kVocab);
          EXPECT_TRUE(std::equal(row.begin(), row.end(), expected.begin() + t * kVocab));
        }
        EXPECT_TRUE(session->reset().ok());
      }
      done = true;
      sweep.join();
      EXPECT_LE(session->engine_memory().budget().peak(), largest);
    }
  }
}

TEST(SessionBudget, OfAnIdleSessionMakesWeightsGiveWayAndTheSequenceStay) {
  const TinyLlama network = make_tiny_llama(kCut);
  const std::vector<int32_t> ids = some_ids(70);
  const std::vector<float> expected = all_logits(*open(network, {}), ids, kVocab);
  const auto session = open(network, {});
  all_logits(*session, {ids.begin(), ids.begin() + 69}, kVocab);
  const uint64_t kv = session->memory().by_tag[index_of(Tag::kv_cache)];
  const uint64_t smallest = needs(network).smallest_running(69);
  ASSERT_GT(charged(*session), smallest);
  ASSERT_TRUE(session->set_budget(smallest).ok());
  EXPECT_LE(charged(*session), smallest);
  EXPECT_EQ(session->budget(), smallest);
  EXPECT_EQ(session->memory().by_tag[index_of(Tag::kv_cache)], kv);
  const std::vector<float> last = all_logits(*session, {ids[69]}, kVocab);
  EXPECT_TRUE(std::equal(last.begin(), last.end(), expected.begin() + 69 * kVocab));
  EXPECT_LE(charged(*session), smallest);
}

TEST(SessionBudget, BelowWhatIsHeldOrKeptIsRefusedWithTheLeastThatWouldDo) {
  const TinyLlama network = make_tiny_llama({});
  const Requirements requirements = needs(network);
  const auto session = open(network, {});
  const auto refused_below = [&](uint64_t smallest) {
    EXPECT_EQ(session->smallest_budget({}), smallest);
    const Status refused = session->set_budget(smallest - 1);
    EXPECT_EQ(refused.code(), Code::over_budget);
    EXPECT_EQ(detail(refused, "smallestBudgetBytes"), static_cast<double>(smallest));
    EXPECT_TRUE(session->set_budget(smallest).ok());
    EXPECT_TRUE(session->set_budget(kUnlimited).ok());
  };
  refused_below(requirements.smallest_running(1));
  EXPECT_TRUE(forward(*session, some_ids(100), {}).ok());
  refused_below(requirements.smallest_running(100));
  ASSERT_TRUE(session->keep_room({200, 0, 70}).ok());
  const std::array<uint64_t, 2> kept = {200, 70};
  refused_below(requirements.smallest_running(Extent(kept)));
  ASSERT_TRUE(session->keep_room({}).ok());
  refused_below(requirements.smallest_running(100));
  EXPECT_TRUE(session->reset().ok());
  refused_below(requirements.smallest_running(1));
  EXPECT_EQ(session->set_budget(0).code(), Code::invalid);
}

TEST(SessionBudget, RaisedLetsMoreStay) {
  const TinyLlama network = make_tiny_llama({});
  const auto session = open(network, {.budget = needs(network).smallest_budget(8)});
  EXPECT_TRUE(forward(*session, some_ids(8), {}).ok());
  EXPECT_EQ(session->reserve(std::array<uint64_t, 1>{200}).code(), Code::over_budget);
  ASSERT_TRUE(session->set_budget(kUnlimited).ok());
  EXPECT_TRUE(session->reserve(std::array<uint64_t, 1>{200}).ok());
  EXPECT_TRUE(forward(*session, some_ids(8), {}).ok());
  EXPECT_EQ(session->statistics().resident_layers.size(), network.graph.layers.size());
}

TEST(SessionBudget, OfAStaticPoolGrowsAndIsRefusedWhereThePoolWouldHaveToShrink) {
  const TinyLlama network = make_tiny_llama({});
  const StrategyConfig strategy = {.kind = StrategyConfig::Kind::fixed};
  const uint64_t budget = needs(network).working_set(50);
  const auto session = open(network, {.budget = budget, .strategy = strategy});
  const Status refused = session->set_budget(budget - kPageSize);
  EXPECT_EQ(refused.code(), Code::invalid);
  EXPECT_EQ(session->budget(), budget);
  EXPECT_TRUE(session->set_budget(2 * budget).ok());
  EXPECT_TRUE(forward(*session, some_ids(20), {}).ok());
  EXPECT_TRUE(session->set_budget(budget).ok());
}

TEST(SessionBudget, OfMappedWeightsCannotGoBelowThem) {
  const TinyLlama network = make_tiny_llama({});
  const Requirements mapped = needs(network, {.io = Io::mapped});
  EXPECT_EQ(mapped.smallest_running(9), mapped.smallest_budget(9));
  EXPECT_GE(mapped.smallest_running(9), mapped.weights());
}

TEST(SessionBudget, LoweredWhileAPassWaitsForTheDiskIsThereWhenThePassHasGoneOn) {
  const TinyLlama network = make_tiny_llama({});
  const std::vector<int32_t> ids = some_ids(30);
  const std::vector<float> expected = all_logits(*open(network, {}), ids, kVocab);
  const auto session = open(network, {});
  network.fake.file->shut_gate();
  std::vector<float> logits(ids.size() * kVocab);
  std::promise<Status> outcome;
  const SequencePart part = {0, ids.size(), ResultRows::all};
  ASSERT_TRUE(session
                  ->forward(ids, {&part, 1}, logits,
                            [&](const Status& status) { outcome.set_value(status); })
                  .ok());
  network.fake.file->await_waiting(1);
  const uint64_t least = needs(network).smallest_running(30, 32);
  EXPECT_EQ(session->set_budget(least - 1).code(), Code::over_budget);
  std::promise<Status> changed;
  std::thread changer([&] { changed.set_value(session->set_budget(least)); });
  while (session->budget() != least) std::this_thread::yield();
  network.fake.file->open_gate();
  EXPECT_TRUE(changed.get_future().get().ok());
  EXPECT_LE(charged(*session), least);
  changer.join();
  const Status status = outcome.get_future().get();
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(logits, expected);
}

TEST(SessionBudget, ACancelledPassDoesNotKeepItFromComing) {
  const TinyLlama network = make_tiny_llama({});
  const auto session = open(network, {});
  network.fake.file->shut_gate();
  std::promise<Status> outcome;
  ASSERT_TRUE(start(*session, some_ids(3), [&](const Status& s) { outcome.set_value(s); }).ok());
  network.fake.file->await_waiting(1);
  const uint64_t least = needs(network).smallest_running(3, 8);
  std::promise<Status> changed;
  std::thread changer([&] { changed.set_value(session->set_budget(least)); });
  while (session->budget() != least) std::this_thread::yield();
  session->cancel();
  EXPECT_EQ(outcome.get_future().get().code(), Code::cancelled);
  network.fake.file->open_gate();
  EXPECT_TRUE(changed.get_future().get().ok());
  EXPECT_LE(charged(*session), least);
  changer.join();
}

TEST(SessionBudget, CloseEndsAChangeThatWaits) {
  const uint64_t before = live_bytes();
  for (const bool gate : {true, false}) {
    const TinyLlama network = make_tiny_llama({});
    const auto session = open(network, {});
    if (gate) network.fake.file->shut_gate();
    std::promise<Status> outcome;
    ASSERT_TRUE(start(*session, some_ids(3), [&](const Status& s) { outcome.set_value(s); }).ok());
    if (gate) network.fake.file->await_waiting(1);
    const uint64_t least = needs(network).smallest_running(3, 8);
    std::promise<Status> changed;
    std::thread changer([&] { changed.set_value(session->set_budget(least)); });
    if (gate) {
      while (session->budget() != least) std::this_thread::yield();
    }
    std::thread closer([&] { session->close(); });
    const Status status = changed.get_future().get();
    EXPECT_TRUE(status.ok() || status.code() == Code::closed);
    if (gate) network.fake.file->open_gate();
    closer.join();
    changer.join();
    outcome.get_future().wait();
    EXPECT_EQ(session->set_budget(kUnlimited).code(), Code::closed);
  }
  EXPECT_EQ(live_bytes(), before);
}

}  // namespace
}  // namespace hyperion
