// Quantized weights: every instruction set decodes the same values (which
// test/native/values.test.ts compares with those of the gguf package), and products are those of
// the values, however they are cut.
#include <random>

#include "compute/support.h"
#include "support/blocks.h"

namespace hyperion::test {
namespace {

class Quantized : public ::testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& table() const { return *GetParam(); }

  // Widths of one block, of a few, and of several stretches with a rest.
  std::vector<size_t> widths(DType dtype) const {
    const size_t block = block_of(dtype).elements;
    return {block, 3 * block, 1280, 1280 + block};
  }

  // A row-major matrix, a byte off its alignment.
  const void* make_matrix(DType dtype, size_t rows, size_t width) {
    bytes_ = random_blocks(dtype, rows * width / block_of(dtype).elements, engine_);
    bytes_.insert(bytes_.begin(), std::byte{0});
    return bytes_.data() + 1;
  }

  Values values_{5};
  std::mt19937 engine_{6};
  std::vector<std::byte> bytes_;
};

INSTANTIATE_TEST_SUITE_P(, Quantized, ::testing::ValuesIn(all_kernels()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST_P(Quantized, DecodesToTheBitsOfTheScalarTable) {
  for (const DType dtype : kQuantizedTypes) {
    const size_t n = 2048;
    const void* blocks = make_matrix(dtype, 1, n);
    std::vector<float> expected(n), actual(n);
    scalar().to_f32(blocks, dtype, n, expected.data());
    table().to_f32(blocks, dtype, n, actual.data());
    ASSERT_TRUE(same_bits(expected, actual)) << static_cast<int>(dtype);
  }
}

TEST_P(Quantized, DecodesTheLargestScalesAndInfinitiesAsTheScalarTableDoes) {
  for (const DType dtype : kQuantizedTypes)
    for (const uint16_t scale : {0x7bff, 0xfbff, 0x0001, 0x8000, 0x7c00, 0xfe00}) {
      const size_t n = block_of(dtype).elements;
      make_matrix(dtype, 1, n);
      for (const size_t offset : scale_offsets(dtype))
        std::memcpy(bytes_.data() + 1 + offset, &scale, sizeof scale);
      std::vector<float> expected(n), actual(n);
      scalar().to_f32(bytes_.data() + 1, dtype, n, expected.data());
      table().to_f32(bytes_.data() + 1, dtype, n, actual.data());
      ASSERT_TRUE(same_bits(expected, actual)) << static_cast<int>(dtype) << " " << scale;
    }
}

// The definition, in plain loops: sixteen lanes in order, then folded.
float dot(const float* row, const float* x, size_t width) {
  float lanes[16] = {};
  for (size_t k = 0; k < width; k++) lanes[k % 16] = std::fma(row[k], x[k], lanes[k % 16]);
  for (size_t half = 8; half > 0; half /= 2)
    for (size_t i = 0; i < half; i++) lanes[i] += lanes[i + half];
  return lanes[0];
}

TEST_P(Quantized, MatMulIsTheDotProductOfTheValues) {
  for (const DType dtype : kQuantizedTypes)
    for (const size_t width : widths(dtype))
      for (const size_t rows : {1, 3, 4, 21, 35})
        for (const size_t tokens : {1, 2, 3, 4, 5, 6, 7, 8, 9, 31}) {
          const void* blocks = make_matrix(dtype, rows, width);
          std::vector<float> w(rows * width);
          table().to_f32(blocks, dtype, rows * width, w.data());
          const size_t x_stride = width + 3, y_stride = rows + 2;
          const auto x = values_.normal(tokens * x_stride);
          std::vector<float> expected(tokens * y_stride, -77), actual = expected;
          for (size_t t = 0; t < tokens; t++)
            for (size_t r = 0; r < rows; r++)
              expected[t * y_stride + r] = dot(&w[r * width], &x[t * x_stride], width);
          table().matmul({blocks, dtype, rows, width}, x.data(), x_stride, tokens, actual.data(),
                         y_stride, 0, rows);
          ASSERT_TRUE(same_bits(expected, actual))
              << static_cast<int>(dtype) << ": " << rows << "x" << width << " x" << tokens;
        }
}

TEST_P(Quantized, MatMulDoesNotDependOnRangeOrTokens) {
  const size_t rows = 70, tokens = 53;
  for (const DType dtype : kQuantizedTypes) {
    const size_t width = 1280 + block_of(dtype).elements;
    const Matrix matrix{make_matrix(dtype, rows, width), dtype, rows, width};
    const auto x = values_.normal(tokens * width);
    std::vector<float> whole(tokens * rows), ranges(tokens * rows);
    table().matmul(matrix, x.data(), width, tokens, whole.data(), rows, 0, rows);
    for (size_t r = 0; r < rows;) {
      const size_t end = std::min(rows, r + 1 + values_.below(20));
      for (size_t t = 0; t < tokens;) {
        const size_t count = std::min(tokens - t, 1 + values_.below(30));
        table().matmul(matrix, &x[t * width], width, count, &ranges[t * rows], rows, r, end);
        t += count;
      }
      r = end;
    }
    EXPECT_TRUE(same_bits(whole, ranges)) << static_cast<int>(dtype);
  }
}

TEST_P(Quantized, MatMulOfNothingIsZeroOrNothing) {
  const float x[2] = {1, 1};
  for (const size_t tokens : {1, 2}) {
    float y[4] = {5, 5, 5, 5};
    table().matmul({nullptr, DType::q4_k, 2, 0}, x, 1, tokens, y, 2, 0, 2);
    for (size_t i = 0; i < 2 * tokens; i++) EXPECT_EQ(y[i], 0);
    table().matmul({nullptr, DType::q8_0, 0, 32}, x, 0, tokens, y, 2, 0, 0);
  }
}

}  // namespace
}  // namespace hyperion::test
