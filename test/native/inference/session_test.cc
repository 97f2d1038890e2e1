#include "inference/session.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "support/sessions.h"
#include "support/status_details.h"

namespace hyperion {
namespace {

uint64_t smallest_budget(const TinyLlama& network, uint64_t threads, uint64_t positions) {
  const SessionOptions options = {.threads = threads};
  return Requirements(network.graph, *network.fake.model, options).smallest_budget(positions);
}

class SessionNumbers : public testing::TestWithParam<TinyLlamaShape> {};

TEST_P(SessionNumbers, AgreeWithPlainLoops) {
  const TinyLlama network = make_tiny_llama(GetParam());
  const std::vector<int32_t> ids = some_ids(90);
  const std::vector<double> expected = naive_logits(network, ids);
  const auto session = open(network, {.threads = 2});
  const std::vector<float> logits = all_logits(*session, ids, network.shape.vocab);
  for (size_t i = 0; i < logits.size(); ++i) {
    ASSERT_NEAR(double{logits[i]}, expected[i], 2e-4 * (1 + std::abs(expected[i]))) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, SessionNumbers,
    testing::Values(
        TinyLlamaShape{}, TinyLlamaShape{.tied = true}, TinyLlamaShape{.window = 10},
        TinyLlamaShape{.kv_heads = 1, .biases = true},
        TinyLlamaShape{.layers = 1, .heads = 1, .kv_heads = 1},
        TinyLlamaShape{
            .width = 32, .hidden = 96, .tied = true, .biases = true, .matrices = DType::q8_0},
        TinyLlamaShape{.width = 256, .hidden = 512, .layers = 1, .matrices = DType::q4_k}));

TEST(Session, GivesTheSameBitsUnderEveryBudgetWindowAndThread) {
  for (const TinyLlamaShape& shape :
       {TinyLlamaShape{}, TinyLlamaShape{.tied = true},
        TinyLlamaShape{.width = 64, .hidden = 96, .matrices = DType::q5_1}}) {
    const TinyLlama network = make_tiny_llama(shape);
    const std::vector<int32_t> ids = some_ids(100);
    const std::vector<float> expected = all_logits(*open(network, {}), ids, network.shape.vocab);
    for (const uint64_t threads : {1u, 3u}) {
      const uint64_t smallest = smallest_budget(network, threads, ids.size());
      for (const uint64_t extra : {0u, 1u, 3u, 10u, 40u}) {
        for (const uint64_t window : {0u, 2u}) {
          const uint64_t budget = smallest + extra * kPageSize;
          const auto session = open(network, {budget, threads, window, 2, Io::automatic});
          EXPECT_EQ(all_logits(*session, ids, network.shape.vocab), expected);
          EXPECT_LE(session->memory().peak, budget);
        }
      }
    }
  }
}

TEST(Session, DecodingTokenByTokenGivesTheBitsOfOnePass) {
  const TinyLlama network = make_tiny_llama({});
  const std::vector<int32_t> ids = some_ids(70);
  const uint64_t vocab = network.shape.vocab;
  const std::vector<float> expected = all_logits(*open(network, {}), ids, vocab);
  const auto session = open(network, {.budget = smallest_budget(network, 1, 70)});
  EXPECT_TRUE(forward(*session, {ids.begin(), ids.begin() + 20}, {}).ok());
  for (size_t t = 20; t < ids.size(); ++t) {
    std::vector<float> row(vocab);
    ASSERT_TRUE(forward(*session, {ids[t]}, row).ok());
    EXPECT_EQ(0, std::memcmp(row.data(), expected.data() + t * vocab, vocab * sizeof(float)));
  }
  EXPECT_EQ(session->statistics().position, 70u);
}

TEST(Session, RunsUnderTheSmallestBudgetWithARecordingAndNotUnderAPageLess) {
  const TinyLlama network = make_tiny_llama({});
  const std::vector<int32_t> ids = some_ids(130);
  const uint64_t budget = smallest_budget(network, 2, ids.size());
  const auto session = open(network, {.budget = budget, .threads = 2});
  ASSERT_TRUE(session->record_events(true).ok());
  EXPECT_EQ(all_logits(*session, ids, 23).size(), 130u * 23);
  EXPECT_LE(session->memory().peak, budget);
  EXPECT_FALSE(session->drain_events().events.empty());

  const Status refused =
      Session::create(network.fake.model, network.graph,
                      {.budget = smallest_budget(network, 2, 1) - kPageSize, .threads = 2})
          .status();
  EXPECT_EQ(refused.code(), Code::over_budget);
  EXPECT_EQ(detail(refused, "smallestBudgetBytes"),
            static_cast<double>(smallest_budget(network, 2, 1)));
}

TEST(Session, RefusesLongerSequencesThanTheBudgetHoldsBeforeAnyWork) {
  const TinyLlama network = make_tiny_llama({});
  const auto session = open(network, {.budget = smallest_budget(network, 1, 64)});
  EXPECT_TRUE(session->reserve(std::array<uint64_t, 1>{64}).ok());
  const Status refused = session->reserve(std::array<uint64_t, 1>{65});
  EXPECT_EQ(refused.code(), Code::over_budget);
  EXPECT_EQ(detail(refused, "smallestBudgetBytes"),
            static_cast<double>(smallest_budget(network, 1, 65)));
  EXPECT_EQ(forward(*session, some_ids(65), {}).code(), Code::over_budget);
  EXPECT_EQ(session->memory().total_allocated, 0u);
}

TEST(Session, APrefillLeavesNoRoomTakenFromTheDecodeThatFollows) {
  const TinyLlama network = make_tiny_llama({});
  for (uint64_t extra = 0; extra < 60; extra += 3) {
    const uint64_t budget = smallest_budget(network, 1, 129) + extra * kPageSize;
    const auto session = open(network, {.budget = budget});
    EXPECT_TRUE(forward(*session, some_ids(64), {}).ok());
    EXPECT_TRUE(forward(*session, some_ids(1), {}).ok());
    EXPECT_TRUE(forward(*session, some_ids(64), {}).ok());
    EXPECT_TRUE(session->reset().ok());
    EXPECT_TRUE(forward(*session, some_ids(129), {}).ok());
  }
}

TEST(Session, RefusesArgumentsThatMakeNoSense) {
  const TinyLlama network = make_tiny_llama({});
  const auto session = open(network, {});
  std::vector<float> logits(24);
  EXPECT_EQ(forward(*session, {}, {}).code(), Code::invalid);
  EXPECT_EQ(forward(*session, {23}, {}).code(), Code::invalid);
  EXPECT_EQ(forward(*session, {-1}, {}).code(), Code::invalid);
  EXPECT_EQ(forward(*session, {1}, logits).code(), Code::invalid);
  EXPECT_EQ(forward(*session, some_ids(301), {}).code(), Code::invalid);
  EXPECT_EQ(session->reserve(std::array<uint64_t, 1>{0}).code(), Code::invalid);
  EXPECT_EQ(session->statistics().position, 0u);
}

TEST(Session, AFailedPassAppendsNothingAndMayBeRepeated) {
  const TinyLlama network = make_tiny_llama({});
  const std::vector<int32_t> ids = some_ids(30);
  const std::vector<float> expected = all_logits(*open(network, {}), ids, 23);
  const auto session = open(network, {.budget = smallest_budget(network, 1, 30)});
  network.fake.file->fail_at(20000);
  std::vector<float> logits(30 * 23);
  EXPECT_EQ(forward(*session, ids, logits).code(), Code::io);
  EXPECT_EQ(session->statistics().position, 0u);
  network.fake.file->fail_at(std::nullopt);
  EXPECT_EQ(all_logits(*session, ids, 23), expected);
}

TEST(Session, CancelStopsAPassThatWaitsForTheDisk) {
  const TinyLlama network = make_tiny_llama({});
  const auto session = open(network, {});
  network.fake.file->shut_gate();
  std::promise<Status> outcome;
  // The embedding table is a layer here, so the engine thread waits in the store and not in a read.
  ASSERT_TRUE(start(*session, some_ids(3), [&](const Status& s) { outcome.set_value(s); }).ok());
  network.fake.file->await_waiting(1);
  EXPECT_EQ(forward(*session, {1}, {}).code(), Code::invalid);  // one at a time
  EXPECT_EQ(session->reset().code(), Code::invalid);
  session->cancel();
  EXPECT_EQ(outcome.get_future().get().code(), Code::cancelled);
  network.fake.file->open_gate();
  session->cancel();  // nothing runs: the next pass is not affected
  EXPECT_TRUE(forward(*session, some_ids(3), {}).ok());
}

TEST(Session, CancelStopsAPassThatWaitsForRowsOfTheEmbedding) {
  const TinyLlama network = make_tiny_llama({});
  const auto session = open(network, {.budget = smallest_budget(network, 1, 30)});
  network.fake.file->shut_gate();
  std::promise<Status> outcome;
  ASSERT_TRUE(start(*session, some_ids(30), [&](const Status& s) { outcome.set_value(s); }).ok());
  network.fake.file->await_waiting(1);
  session->cancel();
  EXPECT_EQ(outcome.get_future().get().code(), Code::cancelled);
  network.fake.file->open_gate();
  EXPECT_TRUE(forward(*session, some_ids(30), {}).ok());
}

TEST(Session, CloseStopsAPassAndFreesAllBytes) {
  const TinyLlama network = make_tiny_llama({});
  const uint64_t before = live_bytes();
  auto session = open(network, {});
  ASSERT_TRUE(session->record_events(true).ok());
  network.fake.file->shut_gate();
  std::promise<Status> outcome;
  ASSERT_TRUE(start(*session, some_ids(3), [&](const Status& s) { outcome.set_value(s); }).ok());
  network.fake.file->await_waiting(1);
  std::thread closer([&] { session->close(); });
  EXPECT_EQ(outcome.get_future().get().code(), Code::closed);
  network.fake.file->open_gate();
  closer.join();
  session->close();
  EXPECT_EQ(live_bytes(), before);
}

TEST(Session, IsClosedWithItsModel) {
  const TinyLlama network = make_tiny_llama({});
  const auto session = open(network, {});
  network.fake.model->close();
  EXPECT_EQ(forward(*session, {1}, {}).code(), Code::closed);
  EXPECT_EQ(session->reserve(std::array<uint64_t, 1>{1}).code(), Code::closed);
}

TEST(Session, ResetEmptiesTheKvCache) {
  const TinyLlama network = make_tiny_llama({});
  const auto session = open(network, {});
  const std::vector<float> first = all_logits(*session, some_ids(10), 23);
  EXPECT_TRUE(session->reset().ok());
  EXPECT_EQ(session->memory().by_tag[index_of(Tag::kv_cache)], 0u);
  EXPECT_EQ(all_logits(*session, some_ids(10), 23), first);
}

TEST(Session, CountsWhatItDid) {
  const TinyLlama network = make_tiny_llama({});
  const auto session = open(network, {});
  all_logits(*session, some_ids(10), 23);
  all_logits(*session, some_ids(1), 23);
  const SessionStatistics statistics = session->statistics();
  EXPECT_EQ(statistics.tokens, 11u);
  EXPECT_EQ(statistics.store.loads, network.graph.layers.size());
  EXPECT_EQ(statistics.store.evictions, 0u);
  EXPECT_EQ(statistics.resident_layers.size(), network.graph.layers.size());
  EXPECT_GE(statistics.store.reads.bytes, network.fake.file->size() - 100);
  EXPECT_GT(statistics.compute_ms, 0);
}

TEST(Session, DirectReadsThatAreRefusedAreUnsupportedOnlyWhenDemanded) {
  const TinyLlama network = make_tiny_llama({});
  EXPECT_EQ(Session::create(network.fake.model, network.graph, {.io = Io::direct}).status().code(),
            Code::unsupported);
  EXPECT_EQ(open(network, {.io = Io::automatic})->statistics().access, Access::buffered);
}

}  // namespace
}  // namespace hyperion
