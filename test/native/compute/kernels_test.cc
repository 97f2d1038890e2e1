// Each kernel against the same formula in double arithmetic, and the independence that the contract
// promises.
#include "compute/support.h"

namespace hyperion::test {
namespace {

class KernelsTest : public ::testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& table() const { return *GetParam(); }
  Values values_{11};
};

INSTANTIATE_TEST_SUITE_P(, KernelsTest, ::testing::ValuesIn(all_kernels()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST_P(KernelsTest, MatMulIsTheDotProduct) {
  const size_t rows = 19, tokens = 7;
  for (const DType dtype : kDTypes)
    for (const size_t width : kWidths) {
      const Stored w(values_.normal(rows * width), dtype, 1);
      const size_t x_stride = width + 3, y_stride = rows + 2;
      const auto x = values_.normal(tokens * x_stride);
      std::vector<float> y(tokens * y_stride, -77);
      table().matmul({w.data(), dtype, rows, width}, x.data(), x_stride, tokens, y.data(), y_stride,
                     0, rows);
      for (size_t t = 0; t < tokens; t++)
        for (size_t r = 0; r < y_stride; r++) {
          if (r >= rows) {
            ASSERT_EQ(y[t * y_stride + r], -77) << "wrote past the row";
            continue;
          }
          double sum = 0, magnitude = 0;
          for (size_t k = 0; k < width; k++) {
            const double product = double{w.rounded()[r * width + k]} * x[t * x_stride + k];
            sum += product;
            magnitude += std::fabs(product);
          }
          ASSERT_NEAR(y[t * y_stride + r], sum, 1e-6 * magnitude) << r << "," << t;
        }
    }
}

TEST_P(KernelsTest, MatMulDoesNotDependOnRangeOrTokens) {
  // Wide enough that the rows fall into several cache blocks and the row into several stretches.
  const size_t rows = 40, width = 9001, tokens = 15;
  for (const DType dtype : kDTypes) {
    const Stored w(values_.normal(rows * width), dtype);
    const Matrix matrix{w.data(), dtype, rows, width};
    const auto x = values_.normal(tokens * width);
    std::vector<float> whole(tokens * rows), singly(tokens * rows), ranges(tokens * rows);
    table().matmul(matrix, x.data(), width, tokens, whole.data(), rows, 0, rows);
    for (size_t t = 0; t < tokens; t++)
      table().matmul(matrix, &x[t * width], width, 1, &singly[t * rows], rows, 0, rows);
    for (size_t r = 0; r < rows;) {
      const size_t end = std::min(rows, r + 1 + values_.below(11));
      for (size_t t = 0; t < tokens;) {
        const size_t count = std::min(tokens - t, 1 + values_.below(8));
        table().matmul(matrix, &x[t * width], width, count, &ranges[t * rows], rows, r, end);
        t += count;
      }
      r = end;
    }
    EXPECT_TRUE(same_bits(whole, singly));
    EXPECT_TRUE(same_bits(whole, ranges));
  }
}

TEST_P(KernelsTest, MatMulOfNothingIsZeroOrNothing) {
  const float x = 1;
  float y[2] = {5, 5};
  table().matmul({nullptr, DType::bf16, 2, 0}, &x, 0, 1, y, 2, 0, 2);
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[1], 0);
  table().matmul({nullptr, DType::f32, 0, 16}, &x, 16, 1, y, 2, 0, 0);
}

TEST_P(KernelsTest, TransposedMatMulIsTheDotProductOfColumns) {
  const size_t rows = 23, tokens = 3;
  for (const DType dtype : kDTypes)
    for (const size_t cols : kWidths) {
      const Stored w(values_.normal(rows * cols), dtype, 1);
      const auto x = values_.normal(tokens * rows);
      const size_t begin = cols / 3, y_stride = cols + 2;
      std::vector<float> y(tokens * y_stride, -77);
      table().matmul_transposed({w.data(), dtype, rows, cols}, x.data(), rows, tokens, y.data(),
                                y_stride, begin, cols);
      for (size_t t = 0; t < tokens; t++)
        for (size_t c = 0; c < y_stride; c++) {
          if (c < begin || c >= cols) {
            ASSERT_EQ(y[t * y_stride + c], -77) << "wrote outside of the range";
            continue;
          }
          double sum = 0, magnitude = 0;
          for (size_t k = 0; k < rows; k++) {
            const double product = double{w.rounded()[k * cols + c]} * x[t * rows + k];
            sum += product;
            magnitude += std::fabs(product);
          }
          ASSERT_NEAR(y[t * y_stride + c], sum, 1e-6 * magnitude) << t << "," << c;
        }
    }
}

TEST_P(KernelsTest, TransposedMatMulDoesNotDependOnRangeOrTokens) {
  const size_t rows = 100, cols = 211, tokens = 9;
  const Stored w(values_.normal(rows * cols), DType::bf16);
  const Matrix matrix{w.data(), DType::bf16, rows, cols};
  const auto x = values_.normal(tokens * rows);
  std::vector<float> whole(tokens * cols), parts(tokens * cols);
  table().matmul_transposed(matrix, x.data(), rows, tokens, whole.data(), cols, 0, cols);
  for (size_t c = 0; c < cols;) {
    const size_t end = std::min(cols, c + 1 + values_.below(70));
    for (size_t t = 0; t < tokens; t++)
      table().matmul_transposed(matrix, &x[t * rows], rows, 1, &parts[t * cols], cols, c, end);
    c = end;
  }
  EXPECT_TRUE(same_bits(whole, parts));
}

TEST_P(KernelsTest, RmsNormMatchesTheFormulaAlsoInPlace) {
  for (const DType dtype : kDTypes)
    for (const size_t width : kWidths)
      for (const float offset : {0.0f, 1.0f}) {
        const Stored weight(values_.normal(width), dtype, 1);
        const auto x = values_.normal(width, 3);
        auto y = x;
        table().rms_norm(y.data(), weight.data(), dtype, offset, 1e-5f, width, y.data());
        double squares = 0;
        for (const float value : x) squares += double{value} * value;
        const double inverse = 1 / std::sqrt(squares / static_cast<double>(width) + 1e-5);
        for (size_t i = 0; i < width; i++) {
          const double expected = x[i] * inverse * (double{weight.rounded()[i]} + offset);
          ASSERT_NEAR(y[i], expected, 1e-6 * std::fabs(x[i] * inverse)) << width << " " << i;
        }
      }
}

TEST_P(KernelsTest, LayerNormMatchesTheFormulaAlsoInPlace) {
  for (const DType dtype : kDTypes)
    for (const size_t width : kWidths) {
      const Stored weight(values_.normal(width), dtype, 1);
      auto x = values_.normal(width, 3);
      for (float& value : x) value += 5;
      auto y = x;
      table().layer_norm(y.data(), weight.data(), dtype, 1e-5f, width, y.data());
      const double count = static_cast<double>(width);
      double sum = 0, squares = 0;
      for (const float value : x) sum += value;
      for (const float value : x) squares += (value - sum / count) * (value - sum / count);
      for (size_t i = 0; i < width; i++) {
        const double normal = (x[i] - sum / count) / std::sqrt(squares / count + 1e-5);
        ASSERT_NEAR(y[i], normal * weight.rounded()[i], 1e-5) << width << " " << i;
      }
    }
}

TEST_P(KernelsTest, RopeTurnsEachPairByItsAngle) {
  const size_t heads = 3;
  for (const size_t head_dim : {2, 6, 32, 34, 64, 128})
    for (const size_t pairs : {head_dim / 2, (head_dim + 2) / 4}) {
      const auto x = values_.normal(heads * head_dim), angle = values_.normal(pairs, 10);
      std::vector<float> cos(pairs), sin(pairs);
      for (size_t i = 0; i < pairs; i++) cos[i] = std::cos(angle[i]), sin[i] = std::sin(angle[i]);
      auto halves = x, neighbours = x;
      table().rope(halves.data(), heads, head_dim, pairs, cos.data(), sin.data());
      table().rope_interleaved(neighbours.data(), heads, head_dim, pairs, cos.data(), sin.data());
      for (size_t h = 0; h < heads; h++)
        for (size_t i = 0; i < head_dim; i++) {
          const size_t head = h * head_dim;
          if (i >= 2 * pairs) {  // beyond what turns
            ASSERT_EQ(halves[head + i], x[head + i]);
            ASSERT_EQ(neighbours[head + i], x[head + i]);
          } else if (i < pairs) {
            const auto expect_turned = [&](const std::vector<float>& y, size_t one, size_t other) {
              const double a = x[one], b = x[other];
              ASSERT_NEAR(y[one], a * cos[i] - b * sin[i], 1e-6);
              ASSERT_NEAR(y[other], b * cos[i] + a * sin[i], 1e-6);
            };
            expect_turned(halves, head + i, head + i + pairs);
            expect_turned(neighbours, head + 2 * i, head + 2 * i + 1);
          }
        }
    }
}

// The function of every number from -120 to 120, beside the one in doubles.
void expect_function(void (*function)(size_t, float*), double (*formula)(double), double absolute) {
  std::vector<float> x;
  for (float value = -120; value < 120; value += 0.0137f) x.push_back(value);
  auto y = x;
  function(y.size(), y.data());
  for (size_t i = 0; i < x.size(); i++) {
    const double expected = formula(x[i]);
    ASSERT_NEAR(y[i], expected, 1e-6 * std::fabs(expected) + absolute) << x[i];
  }
}

TEST_P(KernelsTest, SiluMatchesTheFormula) {
  // Past -88 the exponential is beyond the largest float and the quotient is zero.
  const auto formula = [](double x) { return x / (1 + std::exp(-x)); };
  expect_function(table().silu, formula, 1e-36);
}

TEST_P(KernelsTest, GeluMatchesBothFormulas) {
  const auto with_tanh = [](double x) {
    return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  };
  const auto with_erf = [](double x) { return x / 2 * std::erfc(-x / std::sqrt(2)); };
  expect_function(table().gelu_tanh, with_tanh, 1e-6);
  expect_function(table().gelu_erf, with_erf, 1e-7);
}

TEST_P(KernelsTest, SoftCapMatchesTheFormula) {
  auto x = values_.normal(300, 40);
  auto y = x;
  table().softcap(30, y.size(), y.data());
  for (size_t i = 0; i < x.size(); i++)
    ASSERT_NEAR(y[i], 30 * std::tanh(double{x[i]} / 30), 1e-5) << x[i];
}

TEST_P(KernelsTest, ScaleAndMultiplyRoundOnce) {
  const auto x = values_.normal(37), y = values_.normal(37);
  auto scaled = x, product = y;
  table().scale(0.3f, 37, scaled.data());
  table().multiply(x.data(), 37, product.data());
  for (size_t i = 0; i < 37; i++) {
    EXPECT_EQ(scaled[i], x[i] * 0.3f);
    EXPECT_EQ(product[i], x[i] * y[i]);
  }
}

TEST_P(KernelsTest, AddBiasAddsOnce) {
  const Stored bias(values_.normal(37), DType::bf16, 1);
  std::vector<float> y(37, 2.0f);
  table().add_bias(bias.data(), DType::bf16, 37, y.data());
  for (size_t i = 0; i < 37; i++) EXPECT_EQ(y[i], 2.0f + bias.rounded()[i]);
}

}  // namespace

TEST(KernelChoice, NamesAreKnownAndUnknown) {
  EXPECT_STREQ(kernels_for("scalar")->name, "scalar");
  EXPECT_EQ(kernels_for("sse9"), nullptr);
  EXPECT_EQ(kernels_for(""), nullptr);
  EXPECT_EQ(kernels_for(kernels().name), &kernels());
}

// The choice is made once for a process, so the override is looked at in one of its own.
TEST(KernelChoiceDeathTest, TheEnvironmentLowersItAndIsToldWhatIsWrong) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto report = [](const char* isa) {
    setenv("HYPERION_ISA", isa, 1);
    const char* problem = isa_override_problem();
    std::fprintf(stderr, "<%s> <%s>", kernels().name, problem ? problem : "none");
    std::exit(0);
  };
  EXPECT_EXIT(report("scalar"), ::testing::ExitedWithCode(0), "<scalar> <none>");
  EXPECT_EXIT(report(""), ::testing::ExitedWithCode(0), "<none>");
  EXPECT_EXIT(report("mmx"), ::testing::ExitedWithCode(0),
              "HYPERION_ISA=mmx is not an instruction");
}

}  // namespace hyperion::test
