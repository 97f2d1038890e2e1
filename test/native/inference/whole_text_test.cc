// Graphs whose attention looks ahead: a text is one chunk, planned as one, and nothing is appended.
#include <gtest/gtest.h>

#include "support/sessions.h"

namespace hyperion {
namespace {

TinyLlama looking_ahead() {
  TinyLlama network = make_tiny_llama({.layers = 2});
  for (GraphLayer& layer : network.graph.layers) {
    for (Op& op : layer.ops) {
      if (auto* attention = std::get_if<Attention>(&op)) attention->causal = false;
    }
  }
  return network;
}

TEST(WholeText, IsPlannedAsOneChunkOfItsLength) {
  const TinyLlama network = looking_ahead();
  const Requirements requirements(network.graph, *network.fake.model, {});
  for (const uint64_t positions : {1u, 7u, 70u, 300u}) {
    EXPECT_EQ(requirements.chunk(positions), positions);
    EXPECT_EQ(requirements.smallest_chunk(positions), positions);
    EXPECT_EQ(requirements.plan(positions).activations, requirements.activations(positions));
  }
}

TEST(WholeText, GivesTheSameBitsUnderEveryBudgetAndThread) {
  const TinyLlama network = looking_ahead();
  const std::vector<int32_t> ids = some_ids(150);
  const std::vector<float> expected = all_logits(*open(network, {}), ids, network.shape.vocab);
  for (const uint64_t threads : {1u, 3u}) {
    const SessionOptions options = {.threads = threads};
    const uint64_t smallest =
        Requirements(network.graph, *network.fake.model, options).smallest_budget(ids.size());
    const auto session = open(network, {.budget = smallest, .threads = threads});
    EXPECT_EQ(all_logits(*session, ids, network.shape.vocab), expected);
    EXPECT_LE(session->memory().peak, smallest);
  }
}

TEST(WholeText, TheFirstTokenSeesTheLast) {
  const TinyLlama network = looking_ahead();
  std::vector<int32_t> ids = some_ids(20);
  const std::vector<float> before = all_logits(*open(network, {}), ids, network.shape.vocab);
  ids.back() = (ids.back() + 1) % static_cast<int32_t>(network.shape.vocab);
  EXPECT_NE(all_logits(*open(network, {}), ids, network.shape.vocab)[0], before[0]);
}

TEST(WholeText, TakesNothingMoreUntilItIsReset) {
  const TinyLlama network = looking_ahead();
  const auto session = open(network, {});
  const std::vector<int32_t> ids = some_ids(5);
  const std::vector<float> first = all_logits(*session, ids, network.shape.vocab);
  const Status refused = start(*session, ids, [](const Status&) { FAIL(); });
  EXPECT_EQ(refused.code(), Code::invalid);
  EXPECT_NE(refused.message().find("whole texts"), std::string::npos);
  ASSERT_TRUE(session->reset().ok());
  EXPECT_EQ(all_logits(*session, ids, network.shape.vocab), first);
}

TEST(WholeText, SeveralAreReadTogetherEachSeeingItselfAlone) {
  const TinyLlama network = looking_ahead();
  const uint64_t vocab = network.shape.vocab;
  const std::vector<uint64_t> lengths = {20, 70, 3, 140, 90};
  std::vector<int32_t> ids;
  std::vector<SequencePart> parts;
  std::vector<float> expected;
  for (const uint64_t length : lengths) {
    const std::vector<int32_t> text = some_ids(length);
    const std::vector<float> alone = all_logits(*open(network, {}), text, vocab);
    ids.insert(ids.end(), text.begin(), text.end());
    expected.insert(expected.end(), alone.begin(), alone.end());
    parts.push_back({static_cast<uint32_t>(parts.size()), length, ResultRows::all});
  }
  const uint64_t smallest =
      Requirements(network.graph, *network.fake.model, {}).smallest_budget(Extent(lengths));
  for (const uint64_t budget : {smallest, 4 * smallest, kUnlimited}) {
    const auto session = open(network, {.budget = budget});
    std::vector<float> results(expected.size());
    ASSERT_TRUE(forward(*session, ids, parts, results).ok());
    EXPECT_EQ(results, expected);
    EXPECT_EQ(session->rewind(1, 5).code(), Code::invalid);
    EXPECT_TRUE(session->rewind(1, 0).ok());
    EXPECT_LE(session->memory().peak, budget);
  }
}

}  // namespace
}  // namespace hyperion
