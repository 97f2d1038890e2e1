// Every instruction set computes the same bits as the scalar definition, on every shape and on
// harsh values.
#include "compute/support.h"

namespace hyperion::test {
namespace {

class EqualBits : public ::testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& table() const { return *GetParam(); }
  Values values_{7};
};

std::vector<const Kernels*> vector_kernels() {
  auto tables = all_kernels();
  tables.erase(tables.begin());  // the scalar one, which the others are compared with
  return tables;
}

INSTANTIATE_TEST_SUITE_P(, EqualBits, ::testing::ValuesIn(vector_kernels()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST_P(EqualBits, MatMul) {
  for (const DType dtype : kDTypes)
    for (const size_t width : kWidths)
      for (const size_t rows : {1, 3, 8, 21})
        for (const size_t tokens : {1, 2, 5, 6, 13}) {
          const Stored w(values_.harsh(rows * width), dtype, 1);
          const auto x = values_.harsh(tokens * width);
          std::vector<float> expected(tokens * rows), actual(tokens * rows);
          const Matrix matrix{w.data(), dtype, rows, width};
          scalar().matmul(matrix, x.data(), width, tokens, expected.data(), rows, 0, rows);
          table().matmul(matrix, x.data(), width, tokens, actual.data(), rows, 0, rows);
          ASSERT_TRUE(same_bits(expected, actual)) << rows << "x" << width << " x" << tokens;
        }
}

TEST_P(EqualBits, MatMulTransposed) {
  for (const DType dtype : kDTypes)
    for (const size_t cols : kWidths)
      for (const size_t rows : {1, 7, 40})
        for (const size_t tokens : {1, 3}) {
          const Stored w(values_.harsh(rows * cols), dtype, 1);
          const auto x = values_.harsh(tokens * rows);
          std::vector<float> expected(tokens * cols), actual(tokens * cols);
          const Matrix matrix{w.data(), dtype, rows, cols};
          scalar().matmul_transposed(matrix, x.data(), rows, tokens, expected.data(), cols, 0,
                                     cols);
          table().matmul_transposed(matrix, x.data(), rows, tokens, actual.data(), cols, 0, cols);
          ASSERT_TRUE(same_bits(expected, actual)) << rows << "x" << cols << " x" << tokens;
        }
}

TEST_P(EqualBits, Norms) {
  for (const DType dtype : kDTypes)
    for (const size_t width : kWidths)
      for (const bool harsh : {false, true}) {
        const auto x = harsh ? values_.harsh(width) : values_.normal(width);
        const Stored weight(values_.normal(width), dtype, 1);
        std::vector<float> expected(width), actual(width);
        scalar().rms_norm(x.data(), weight.data(), dtype, 1, 1e-5f, width, expected.data());
        table().rms_norm(x.data(), weight.data(), dtype, 1, 1e-5f, width, actual.data());
        ASSERT_TRUE(same_bits(expected, actual)) << width;
        scalar().layer_norm(x.data(), weight.data(), dtype, 1e-5f, width, expected.data());
        table().layer_norm(x.data(), weight.data(), dtype, 1e-5f, width, actual.data());
        ASSERT_TRUE(same_bits(expected, actual)) << width;
      }
}

TEST_P(EqualBits, Rope) {
  for (const size_t head_dim : {2, 6, 14, 32, 34, 64, 80, 128})
    for (const size_t pairs : {head_dim / 2, head_dim / 4 + 1}) {
      auto expected = values_.harsh(3 * head_dim);
      auto actual = expected;
      const auto cos = values_.normal(pairs), sin = values_.normal(pairs);
      scalar().rope(expected.data(), 3, head_dim, pairs, cos.data(), sin.data());
      table().rope(actual.data(), 3, head_dim, pairs, cos.data(), sin.data());
      ASSERT_TRUE(same_bits(expected, actual)) << head_dim;
      scalar().rope_interleaved(expected.data(), 3, head_dim, pairs, cos.data(), sin.data());
      table().rope_interleaved(actual.data(), 3, head_dim, pairs, cos.data(), sin.data());
      ASSERT_TRUE(same_bits(expected, actual)) << head_dim;
    }
}

TEST_P(EqualBits, FunctionsOverAllExponents) {
  std::vector<float> x;
  for (uint32_t bits = 0; bits < 0xffffff00u; bits += 40503) x.push_back(float_from_bits(bits));
  for (const auto function : {&Kernels::silu, &Kernels::gelu_tanh, &Kernels::gelu_erf}) {
    auto expected = x, actual = x;
    (scalar().*function)(x.size(), expected.data());
    (table().*function)(x.size(), actual.data());
    EXPECT_TRUE(same_bits(expected, actual));
  }
  auto expected = x, actual = x;
  scalar().softcap(30, x.size(), expected.data());
  table().softcap(30, x.size(), actual.data());
  EXPECT_TRUE(same_bits(expected, actual));
}

TEST_P(EqualBits, ScaleAndMultiply) {
  for (const size_t width : kWidths) {
    const auto x = values_.harsh(width);
    auto expected = values_.harsh(width);
    auto actual = expected;
    scalar().scale(0.3f, width, expected.data());
    scalar().multiply(x.data(), width, expected.data());
    table().scale(0.3f, width, actual.data());
    table().multiply(x.data(), width, actual.data());
    ASSERT_TRUE(same_bits(expected, actual)) << width;
  }
}

TEST_P(EqualBits, AddAndAddBias) {
  for (const DType dtype : kDTypes)
    for (const size_t width : kWidths) {
      const Stored bias(values_.harsh(width), dtype, 3);
      auto expected = values_.harsh(width);
      auto actual = expected;
      scalar().add_bias(bias.data(), dtype, width, expected.data());
      scalar().add(bias.rounded().data(), width, expected.data());
      table().add_bias(bias.data(), dtype, width, actual.data());
      table().add(bias.rounded().data(), width, actual.data());
      ASSERT_TRUE(same_bits(expected, actual)) << width;
    }
}

TEST_P(EqualBits, Attention) {
  for (const size_t head_dim : {1, 7, 16, 24, 64, 80, 128, 144})
    for (const size_t count : {1, 3, 16, 33, 70})
      for (const bool harsh : {false, true}) {
        const float cap = count % 2 ? 0 : 20;
        const size_t n = count * head_dim;
        const auto k = harsh ? values_.harsh(n) : values_.normal(n);
        const auto v = harsh ? values_.harsh(n) : values_.normal(n);
        const auto q = values_.normal(head_dim);
        const void *k_block = k.data(), *v_block = v.data();
        const size_t stride = head_dim * sizeof(float);
        std::vector<float> expected(head_dim), actual(head_dim), scores(count);
        scalar().attention(q.data(), &k_block, &v_block, count, stride, 0, count, head_dim, 0.25f,
                           cap, scores.data(), expected.data());
        table().attention(q.data(), &k_block, &v_block, count, stride, 0, count, head_dim, 0.25f,
                          cap, scores.data(), actual.data());
        ASSERT_TRUE(same_bits(expected, actual)) << head_dim << " over " << count;
      }
}

TEST_P(EqualBits, AttentionOverBytes) {
  for (const size_t head_dim : {1, 7, 16, 24, 64, 80, 128, 144})
    for (const size_t count : {1, 3, 16, 33, 70})
      for (const bool harsh : {false, true}) {
        const auto q = values_.normal(head_dim);
        const auto scales = harsh ? values_.harsh(2 * count) : values_.normal(2 * count, 0.01f);
        const size_t stride = sizeof(float) + head_dim;
        std::vector<char> rows(2 * count * stride);
        for (size_t r = 0; r < 2 * count; r++) {
          std::memcpy(&rows[r * stride], &scales[r], sizeof(float));
          for (size_t d = 0; d < head_dim; d++)
            rows[r * stride + sizeof(float) + d] = static_cast<char>(values_.below(255) - 127);
        }
        const void *k = rows.data(), *v = rows.data() + count * stride;
        std::vector<float> expected(head_dim), actual(head_dim), scores(count);
        scalar().attention_i8(q.data(), &k, &v, count, stride, 0, count, head_dim, 0.25f, 0,
                              scores.data(), expected.data());
        table().attention_i8(q.data(), &k, &v, count, stride, 0, count, head_dim, 0.25f, 0,
                             scores.data(), actual.data());
        ASSERT_TRUE(same_bits(expected, actual)) << head_dim << " over " << count;
      }
}

TEST_P(EqualBits, FillNormal) {
  for (const DType dtype : kDTypes)
    for (const size_t n : {1, 17, 256, 5000}) {
      std::vector<char> expected(bytes_of(dtype, n)), actual(expected.size());
      scalar().fill_normal(expected.data(), dtype, 3, 0xffffff00u, n, 0.02f);
      table().fill_normal(actual.data(), dtype, 3, 0xffffff00u, n, 0.02f);
      ASSERT_EQ(expected, actual) << n;
    }
}

}  // namespace
}  // namespace hyperion::test
