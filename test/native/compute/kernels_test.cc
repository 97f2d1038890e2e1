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

TEST_P(KernelsTest, RmsNormMatchesTheFormulaAlsoInPlace) {
  for (const DType dtype : kDTypes)
    for (const size_t width : kWidths) {
      const Stored weight(values_.normal(width), dtype, 1);
      const auto x = values_.normal(width, 3);
      auto y = x;
      table().rms_norm(y.data(), weight.data(), dtype, 1e-5f, width, y.data());
      double squares = 0;
      for (const float value : x) squares += double{value} * value;
      const double inverse = 1 / std::sqrt(squares / static_cast<double>(width) + 1e-5);
      for (size_t i = 0; i < width; i++) {
        const double expected = x[i] * inverse * weight.rounded()[i];
        ASSERT_NEAR(y[i], expected, 1e-6 * std::fabs(expected)) << width << " " << i;
      }
    }
}

TEST_P(KernelsTest, RopeTurnsEachPairByItsAngle) {
  const size_t heads = 3;
  for (const size_t head_dim : {2, 6, 32, 34, 64, 128}) {
    const size_t half = head_dim / 2;
    const auto x = values_.normal(heads * head_dim), angle = values_.normal(half, 10);
    std::vector<float> cos(half), sin(half);
    for (size_t i = 0; i < half; i++) cos[i] = std::cos(angle[i]), sin[i] = std::sin(angle[i]);
    auto y = x;
    table().rope(y.data(), heads, head_dim, cos.data(), sin.data());
    for (size_t h = 0; h < heads; h++)
      for (size_t i = 0; i < half; i++) {
        const double a = x[h * head_dim + i], b = x[h * head_dim + half + i];
        ASSERT_NEAR(y[h * head_dim + i], a * cos[i] - b * sin[i], 1e-6);
        ASSERT_NEAR(y[h * head_dim + half + i], b * cos[i] + a * sin[i], 1e-6);
      }
  }
}

TEST_P(KernelsTest, SwiGluMatchesTheFormula) {
  std::vector<float> gate, up;
  for (float g = -120; g < 120; g += 0.0137f) gate.push_back(g), up.push_back(1.5f);
  std::vector<float> out(gate.size());
  table().swiglu(gate.data(), up.data(), gate.size(), out.data());
  for (size_t i = 0; i < gate.size(); i++) {
    const double expected = gate[i] / (1 + std::exp(-double{gate[i]})) * 1.5;
    // Past -88 the exponential is beyond the largest float and the quotient is zero.
    const double tolerance = 1e-6 * std::fabs(expected) + (gate[i] < -88 ? 1e-36 : 0);
    ASSERT_NEAR(out[i], expected, tolerance) << gate[i];
  }
}

TEST_P(KernelsTest, SwiGluMayWriteOverItsInputs) {
  const auto gate = values_.normal(50), up = values_.normal(50);
  std::vector<float> out(50);
  table().swiglu(gate.data(), up.data(), 50, out.data());
  auto over_gate = gate, over_up = up;
  table().swiglu(over_gate.data(), up.data(), 50, over_gate.data());
  table().swiglu(gate.data(), over_up.data(), 50, over_up.data());
  EXPECT_TRUE(same_bits(out, over_gate));
  EXPECT_TRUE(same_bits(out, over_up));
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
