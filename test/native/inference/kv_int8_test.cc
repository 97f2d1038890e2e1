// A KV cache in bytes: about a quarter of the memory, close to the floats, and as equal to the bit
// over budgets, threads, chunks and neighbours.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "support/sessions.h"

namespace hyperion {
namespace {

constexpr uint64_t kVocab = 23;

uint64_t smallest_budget(const TinyLlama& network, SessionOptions options, uint64_t positions) {
  return Requirements(network.graph, *network.fake.model, options).smallest_budget(positions);
}

TEST(KvInt8, TakesAQuarterOfTheBytesAndAScaleForEachHead) {
  const TinyLlama network = make_tiny_llama({.width = 256, .hidden = 96, .heads = 4});
  const KvLayout floats(network.graph, KvType::f32), bytes(network.graph, KvType::int8);
  EXPECT_EQ(floats.row_bytes, 128u * 4);
  EXPECT_EQ(bytes.row_bytes, 128u + 2 * 4);
  const Requirements needs(network.graph, *network.fake.model, {.kv = KvType::int8});
  EXPECT_EQ(needs.kv(64), bytes.block_bytes());
}

TEST(KvInt8, IsCloseToTheFloats) {
  for (const TinyLlamaShape& shape :
       {TinyLlamaShape{}, TinyLlamaShape{.kv_heads = 1, .biases = true},
        TinyLlamaShape{.width = 64, .window = 10}}) {
    const TinyLlama network = make_tiny_llama(shape);
    const std::vector<int32_t> ids = some_ids(150);
    const std::vector<float> expected = all_logits(*open(network, {}), ids, kVocab);
    const std::vector<float> actual = all_logits(*open(network, {.kv = KvType::int8}), ids, kVocab);
    float size = 0, error = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
      size = std::max(size, std::abs(expected[i]));
      error = std::max(error, std::abs(expected[i] - actual[i]));
    }
    EXPECT_GT(error, 0);
    EXPECT_LT(error, 0.02 * size);
  }
}

TEST(KvInt8, GivesTheSameBitsUnderEveryBudgetThreadAndChunk) {
  const TinyLlama network = make_tiny_llama({});
  const std::vector<int32_t> ids = some_ids(100);
  const std::vector<float> expected = all_logits(*open(network, {.kv = KvType::int8}), ids, kVocab);
  for (const uint64_t threads : {1u, 3u}) {
    SessionOptions options = {.threads = threads, .kv = KvType::int8};
    options.budget = smallest_budget(network, options, ids.size());
    const auto session = open(network, options);
    EXPECT_EQ(all_logits(*session, ids, kVocab), expected);
    EXPECT_LE(session->memory().peak, options.budget);
    ASSERT_TRUE(session->rewind(0, 50).ok());
    for (size_t t = 50; t < ids.size(); ++t) {
      std::vector<float> row(kVocab);
      ASSERT_TRUE(forward(*session, {ids[t]}, row).ok());
      EXPECT_EQ(0, std::memcmp(row.data(), &expected[t * kVocab], kVocab * sizeof(float)));
    }
  }
}

}  // namespace
}  // namespace hyperion
