#include "compute/simd/exp.h"

#include <limits>

#include "compute/simd/vec16_scalar.h"
#include "compute/support.h"

namespace hyperion::test {
namespace {

float exp_of(float x) {
  return exp(Vec16Scalar::broadcast(x)).lane[0];
}

// Distance from the exact value in units of the last place of the float nearest to it.
double error_in_ulps(float actual, double exact) {
  const float nearest = static_cast<float>(exact);
  const double ulp =
      double{std::nextafter(nearest, std::numeric_limits<float>::infinity())} - nearest;
  return std::fabs(actual - exact) / ulp;
}

TEST(Exp, IsWithinTwoUnitsInTheLastPlace) {
  double worst = 0;
  for (double x = -103; x < 88.72; x += 0.00037) {
    const float argument = static_cast<float>(x);
    worst = std::max(worst, error_in_ulps(exp_of(argument), std::exp(double{argument})));
  }
  EXPECT_LE(worst, 2.0);
}

TEST(Exp, HasTheLimitsOfTheFunction) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(exp_of(0), 1);
  EXPECT_EQ(exp_of(-0.0f), 1);
  EXPECT_EQ(exp_of(1e-30f), 1);
  EXPECT_EQ(exp_of(-kInfinity), 0);
  EXPECT_EQ(exp_of(-3e38f), 0);
  EXPECT_EQ(exp_of(-104), 0);
  EXPECT_EQ(exp_of(kInfinity), kInfinity);
  EXPECT_EQ(exp_of(89), kInfinity);
  EXPECT_LT(exp_of(88.72f), kInfinity);
  EXPECT_TRUE(std::isnan(exp_of(std::nanf(""))));
}

TEST(Exp, NeverDecreases) {
  float before = 0;
  for (float x = -105; x < 90; x += 0.01f) {
    ASSERT_GE(exp_of(x), before) << x;
    before = exp_of(x);
  }
}

}  // namespace
}  // namespace hyperion::test
