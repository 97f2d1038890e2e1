// Several sequences in one session: each gives the bits that it gives alone, whatever is beside it,
// and the budget covers them all.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "support/sessions.h"
#include "support/status_details.h"

namespace hyperion {
namespace {

constexpr uint64_t kVocab = 23;

Requirements needs(const TinyLlama& network, SessionOptions options = {}) {
  return Requirements(network.graph, *network.fake.model, options);
}

std::vector<int32_t> ids_of(uint32_t sequence, size_t count) {
  std::vector<int32_t> ids = some_ids(count);
  for (int32_t& id : ids) id = (id + 5 * static_cast<int32_t>(sequence)) % int32_t{kVocab};
  return ids;
}

std::vector<int32_t> slice(const std::vector<int32_t>& ids, uint64_t begin, uint64_t count) {
  const auto from = ids.begin() + static_cast<ptrdiff_t>(begin);
  return {from, from + static_cast<ptrdiff_t>(count)};
}

// What a pass is asked, and the rows that it should give, out of those of each sequence alone.
struct Expectation {
  std::vector<int32_t> ids;
  std::vector<SequencePart> parts;
  std::vector<float> results;

  void add(const std::vector<float>& alone, const std::vector<int32_t>& all, SequencePart part,
           uint64_t position) {
    parts.push_back(part);
    const std::vector<int32_t> taken = slice(all, position, part.tokens);
    ids.insert(ids.end(), taken.begin(), taken.end());
    const uint64_t end = position + part.tokens;
    const uint64_t begin = part.rows == ResultRows::all    ? position
                           : part.rows == ResultRows::last ? end - 1
                                                           : end;
    results.insert(results.end(), alone.begin() + static_cast<ptrdiff_t>(begin * kVocab),
                   alone.begin() + static_cast<ptrdiff_t>(end * kVocab));
  }

  Status run(Session& session) const {
    std::vector<float> given(results.size());
    const Status status = forward(session, ids, parts, given);
    if (status.ok()) {
      EXPECT_EQ(0, std::memcmp(given.data(), results.data(), given.size() * sizeof(float)));
    }
    return status;
  }
};

class SequencesOf : public testing::TestWithParam<StrategyConfig::Kind> {};

// Any sequences grow, are rewound and end in any order, under the smallest budget of the most that
// they come to.
TEST_P(SequencesOf, GiveTheBitsThatEachGivesAlone) {
  constexpr uint32_t kSequences = 5;
  std::mt19937_64 random(11);
  for (int round = 0; round < 6; ++round) {
    const TinyLlama network =
        make_tiny_llama({.tied = round % 2 == 0,
                         .window = round % 3 == 0 ? std::optional<uint64_t>(10) : std::nullopt});
    std::vector<std::vector<int32_t>> ids;
    std::vector<std::vector<float>> alone;
    for (uint32_t s = 0; s < kSequences; ++s) {
      ids.push_back(ids_of(s, 40 + 37 * s));
      alone.push_back(all_logits(*open(network, {}), ids[s], kVocab));
    }
    SessionOptions options = {.threads = 1 + random() % 3, .strategy = {.kind = GetParam()}};
    std::vector<uint64_t> most;
    for (const auto& sequence : ids) most.push_back(sequence.size());
    options.budget =
        needs(network, options).smallest_budget(Extent(most)) + random() % 3 * 5 * kPageSize;
    const auto session = open(network, options);
    ASSERT_TRUE(session->reserve(most).ok());

    std::vector<uint64_t> position(kSequences);
    for (int pass = 0; pass < 25; ++pass) {
      Expectation expectation;
      for (uint32_t s = 0; s < kSequences; ++s) {
        if (position[s] == ids[s].size() || random() % 6 == 0) {
          position[s] = position[s] == 0 ? 0 : random() % position[s];
          ASSERT_TRUE(session->rewind(s, position[s]).ok());
        }
        if (random() % 3 == 0) continue;
        const uint64_t room = ids[s].size() - position[s];
        const SequencePart part = {s, random() % 2 == 0 ? 1 : 1 + random() % room,
                                   static_cast<ResultRows>(random() % 3)};
        expectation.add(alone[s], ids[s], part, position[s]);
        position[s] += part.tokens;
      }
      if (expectation.parts.empty()) continue;
      const Status status = expectation.run(*session);
      ASSERT_TRUE(status.ok()) << round << ", " << pass << ": " << status.message();
    }
    EXPECT_LE(session->memory().reserved_peak, options.budget);
  }
}

INSTANTIATE_TEST_SUITE_P(Strategies, SequencesOf,
                         testing::Values(StrategyConfig::Kind::fixed, StrategyConfig::Kind::pooled,
                                         StrategyConfig::Kind::dynamic,
                                         StrategyConfig::Kind::hybrid));

TEST(Sequences, OnePassReadsEachLayerOnceForAll) {
  const TinyLlama network = make_tiny_llama({});
  const std::vector<uint64_t> lengths = {3, 2, 3};
  const auto session = open(
      network, {.budget = needs(network).smallest_budget(Extent(lengths)), .prefetch_window = 0});
  const std::vector<SequencePart> parts = {
      {0, 3, ResultRows::last}, {1, 2, ResultRows::last}, {2, 3, ResultRows::last}};
  std::vector<float> results(3 * kVocab);
  ASSERT_TRUE(forward(*session, some_ids(8), parts, results).ok());
  // The embedding is read by rows.
  EXPECT_EQ(session->statistics().store.loads, network.graph.layers.size() - 1);
  EXPECT_EQ(session->statistics().position, 8u);
}

TEST(Sequences, AFailedPassAppendsNothingToAny) {
  const TinyLlama network = make_tiny_llama({});
  const std::vector<float> alone = all_logits(*open(network, {}), ids_of(1, 30), kVocab);
  const std::vector<uint64_t> lengths = {20, 30};
  const auto session = open(network, {.budget = needs(network).smallest_budget(Extent(lengths))});
  Expectation expectation;
  expectation.add(alone, ids_of(1, 30), {1, 30, ResultRows::all}, 0);
  expectation.parts.push_back({0, 20, ResultRows::none});
  for (const int32_t id : some_ids(20)) expectation.ids.push_back(id);
  network.fake.file->fail_at(20000);
  EXPECT_EQ(expectation.run(*session).code(), Code::io);
  EXPECT_EQ(session->statistics().position, 0u);
  network.fake.file->fail_at(std::nullopt);
  EXPECT_TRUE(expectation.run(*session).ok());
  EXPECT_EQ(session->statistics().position, 50u);
}

TEST(Sequences, TogetherTheyAreRefusedWhereTheSumDoesNotFit) {
  const TinyLlama network = make_tiny_llama({});
  const std::vector<uint64_t> two = {64, 64}, three = {64, 64, 1};
  const auto session = open(network, {.budget = needs(network).smallest_budget(Extent(two))});
  EXPECT_TRUE(session->reserve(two).ok());
  const Status refused = session->reserve(three);
  EXPECT_EQ(refused.code(), Code::over_budget);
  EXPECT_EQ(detail(refused, "smallestBudgetBytes"),
            static_cast<double>(needs(network).smallest_budget(Extent(three))));
  const std::vector<SequencePart> parts = {
      {0, 64, ResultRows::none}, {7, 64, ResultRows::none}, {2, 1, ResultRows::none}};
  EXPECT_EQ(forward(*session, some_ids(129), parts, {}).code(), Code::over_budget);
  EXPECT_EQ(session->memory().total_allocated, 0u);
}

TEST(Sequences, PartsThatMakeNoSenseAreInvalid) {
  const TinyLlama network = make_tiny_llama({});
  const auto session = open(network, {});
  const auto run = [&](std::vector<SequencePart> parts) {
    std::vector<float> results(kVocab);
    return forward(*session, some_ids(4), parts, results).code();
  };
  EXPECT_EQ(run({}), Code::invalid);
  EXPECT_EQ(run({{0, 3, ResultRows::last}}), Code::invalid);
  EXPECT_EQ(run({{0, 4, ResultRows::all}}), Code::invalid);
  EXPECT_EQ(run({{0, 4, ResultRows::last}, {1, 0, ResultRows::none}}), Code::invalid);
  EXPECT_EQ(run({{0, 2, ResultRows::last}, {0, 2, ResultRows::none}}), Code::invalid);
  EXPECT_EQ(run({{kMostSequences, 4, ResultRows::last}}), Code::invalid);
  EXPECT_EQ(run({{kMostSequences - 1, 4, ResultRows::last}}), Code::ok);
}

TEST(Rewind, CutsASequenceAndGivesItsBlocksBack) {
  const TinyLlama network = make_tiny_llama({});
  const std::vector<int32_t> ids = some_ids(200);
  const std::vector<float> expected = all_logits(*open(network, {}), ids, kVocab);
  const auto session = open(network, {});
  ASSERT_TRUE(forward(*session, slice(ids, 0, 10), {}).ok());
  const uint64_t one_block = session->memory().by_tag[index_of(Tag::kv_cache)];
  ASSERT_TRUE(forward(*session, some_ids(150), {}).ok());
  EXPECT_EQ(session->memory().by_tag[index_of(Tag::kv_cache)], 3 * one_block);
  ASSERT_TRUE(session->rewind(0, 10).ok());
  EXPECT_EQ(session->memory().by_tag[index_of(Tag::kv_cache)], one_block);
  EXPECT_EQ(session->statistics().position, 10u);
  const std::vector<float> logits = all_logits(*session, slice(ids, 10, 190), kVocab);
  EXPECT_EQ(
      0, std::memcmp(logits.data(), expected.data() + 10 * kVocab, logits.size() * sizeof(float)));
}

TEST(Rewind, ToWhereTheSequenceHasNotBeenIsInvalid) {
  const TinyLlama network = make_tiny_llama({});
  const auto session = open(network, {});
  EXPECT_TRUE(session->rewind(3, 0).ok());
  EXPECT_EQ(session->rewind(0, 1).code(), Code::invalid);
  ASSERT_TRUE(forward(*session, some_ids(5), {}).ok());
  EXPECT_TRUE(session->rewind(0, 5).ok());
  EXPECT_EQ(session->rewind(0, 6).code(), Code::invalid);
  EXPECT_EQ(session->rewind(1, 1).code(), Code::invalid);
}

}  // namespace
}  // namespace hyperion
