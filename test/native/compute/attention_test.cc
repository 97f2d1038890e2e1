#include "compute/support.h"

namespace hyperion::test {
namespace {

// One head's keys and values in blocks, as a KV cache holds them: `heads` heads side by side in a
// row.
class Cache {
 public:
  Cache(const std::vector<float>& k, const std::vector<float>& v, size_t head_dim, size_t heads,
        size_t head, size_t block_positions)
      : block_positions_(block_positions), stride_(head_dim * heads) {
    const size_t positions = k.size() / head_dim;
    const size_t blocks = (positions + block_positions - 1) / block_positions;
    // What no kernel may read is NaN.
    k_.assign(blocks, std::vector<float>(block_positions * stride_, std::nanf("")));
    v_ = k_;
    for (size_t p = 0; p < positions; p++)
      for (size_t d = 0; d < head_dim; d++) {
        const size_t at = p % block_positions * stride_ + head * head_dim + d;
        k_[p / block_positions][at] = k[p * head_dim + d];
        v_[p / block_positions][at] = v[p * head_dim + d];
      }
    for (size_t b = 0; b < blocks; b++) {
      k_blocks_.push_back(k_[b].data() + head * head_dim);
      v_blocks_.push_back(v_[b].data() + head * head_dim);
    }
  }

  std::vector<float> attend(const Kernels& table, const std::vector<float>& q, size_t first,
                            size_t count, float scale, float cap = 0) const {
    std::vector<float> scores(count), out(q.size());
    table.attention(q.data(), k_blocks_.data(), v_blocks_.data(), block_positions_,
                    stride_ * sizeof(float), first, count, q.size(), scale, cap, scores.data(),
                    out.data());
    return out;
  }

 private:
  size_t block_positions_, stride_;
  std::vector<std::vector<float>> k_, v_;
  std::vector<const void*> k_blocks_, v_blocks_;
};

std::vector<double> naive(const std::vector<float>& q, const std::vector<float>& k,
                          const std::vector<float>& v, size_t first, size_t count, double scale,
                          double cap = 0) {
  const size_t head_dim = q.size();
  std::vector<double> weights(count), out(head_dim);
  double top = -1e300, total = 0;
  for (size_t i = 0; i < count; i++) {
    double dot = 0;
    for (size_t d = 0; d < head_dim; d++) dot += double{q[d]} * k[(first + i) * head_dim + d];
    weights[i] = dot * scale;
    if (cap > 0) weights[i] = cap * std::tanh(weights[i] / cap);
    top = std::max(top, weights[i]);
  }
  for (double& weight : weights) total += weight = std::exp(weight - top);
  for (size_t i = 0; i < count; i++)
    for (size_t d = 0; d < head_dim; d++)
      out[d] += weights[i] / total * v[(first + i) * head_dim + d];
  return out;
}

class AttentionTest : public ::testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& table() const { return *GetParam(); }
  Values values_{13};
};

INSTANTIATE_TEST_SUITE_P(, AttentionTest, ::testing::ValuesIn(all_kernels()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST_P(AttentionTest, MatchesTheFormulaInDoubles) {
  for (const size_t head_dim : {3, 16, 24, 64, 100, 128, 192})
    for (const size_t positions : {1, 2, 63, 64, 65, 200}) {
      const auto k = values_.normal(positions * head_dim), v = values_.normal(positions * head_dim);
      const auto q = values_.normal(head_dim);
      const Cache cache(k, v, head_dim, 3, 1, 64);
      const size_t first = positions / 3, count = positions - first;
      const auto out = cache.attend(table(), q, first, count, 0.3f);
      const auto expected = naive(q, k, v, first, count, 0.3f);
      for (size_t d = 0; d < head_dim; d++)
        ASSERT_NEAR(out[d], expected[d], 2e-5) << head_dim << " over " << positions;
    }
}

TEST_P(AttentionTest, OverBytesIsThatOverTheFloatsTheyStandFor) {
  for (const size_t head_dim : {3, 16, 24, 64, 128})
    for (const size_t positions : {1, 63, 64, 130}) {
      constexpr size_t kBlock = 64;
      const size_t stride = 2 * (sizeof(float) + head_dim);  // beside the rows of another head
      std::vector<float> numbers[2];
      std::vector<char> rows[2];
      std::vector<const void*> blocks[2];
      for (const size_t which : {0, 1}) {
        rows[which].resize(positions * stride);
        for (size_t p = 0; p < positions; p++) {
          const float scale = 0.01f + static_cast<float>(values_.below(100)) / 5000;
          std::memcpy(&rows[which][p * stride], &scale, sizeof scale);
          for (size_t d = 0; d < head_dim; d++) {
            const int byte = static_cast<int>(values_.below(255)) - 127;
            rows[which][p * stride + sizeof scale + d] = static_cast<char>(byte);
            numbers[which].push_back(scale * static_cast<float>(byte));
          }
        }
        for (size_t p = 0; p < positions; p += kBlock)
          blocks[which].push_back(&rows[which][p * stride]);
      }
      const auto q = values_.normal(head_dim);
      const size_t first = positions / 3, count = positions - first;
      std::vector<float> scores(count), out(head_dim);
      table().attention_i8(q.data(), blocks[0].data(), blocks[1].data(), kBlock, stride, first,
                           count, head_dim, 0.3f, 0, scores.data(), out.data());
      const auto expected = naive(q, numbers[0], numbers[1], first, count, 0.3f);
      for (size_t d = 0; d < head_dim; d++)
        ASSERT_NEAR(out[d], expected[d], 2e-5) << head_dim << " over " << positions;
    }
}

TEST_P(AttentionTest, CapsScoresSoftly) {
  const size_t head_dim = 24, positions = 70;
  const auto k = values_.normal(positions * head_dim), v = values_.normal(positions * head_dim);
  const auto q = values_.normal(head_dim, 5);
  const Cache cache(k, v, head_dim, 1, 0, 64);
  const auto out = cache.attend(table(), q, 0, positions, 0.5f, 7);
  const auto expected = naive(q, k, v, 0, positions, 0.5f, 7);
  for (size_t d = 0; d < head_dim; d++) ASSERT_NEAR(out[d], expected[d], 2e-5);
}

TEST_P(AttentionTest, BitsDoNotDependOnTheBlocks) {
  for (const size_t head_dim : {20, 64}) {
    const size_t positions = 150;
    const auto k = values_.normal(positions * head_dim), v = values_.normal(positions * head_dim);
    const auto q = values_.normal(head_dim);
    const Cache one(k, v, head_dim, 1, 0, 150);
    for (const size_t block : {1, 7, 16, 64})
      for (const size_t first : {0, 5, 64, 100}) {
        const Cache blocked(k, v, head_dim, 2, 1, block);
        ASSERT_TRUE(same_bits(one.attend(table(), q, first, positions - first, 0.125f),
                              blocked.attend(table(), q, first, positions - first, 0.125f)))
            << block << " from " << first;
      }
  }
}

TEST_P(AttentionTest, LargeScoresNeitherOverflowNorVanish) {
  // Scores of thousands, all negative but one: softmax picks the largest exactly.
  const size_t head_dim = 16, positions = 21;
  std::vector<float> k(positions * head_dim, -100), v(positions * head_dim);
  for (size_t i = 0; i < v.size(); i++) v[i] = static_cast<float>(i / head_dim);
  k[17 * head_dim] = -90;
  const std::vector<float> q(head_dim, 50);
  const auto out = Cache(k, v, head_dim, 1, 0, 8).attend(table(), q, 0, positions, 1);
  for (const float value : out) EXPECT_EQ(value, 17);
}

TEST_P(AttentionTest, OnePositionReturnsItsValue) {
  const auto k = values_.normal(24), v = values_.normal(24), q = values_.normal(24);
  EXPECT_TRUE(same_bits(Cache(k, v, 24, 1, 0, 64).attend(table(), q, 0, 1, 1), v));
}

}  // namespace
}  // namespace hyperion::test
