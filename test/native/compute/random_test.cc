#include "compute/random.h"

#include <algorithm>
#include <cstring>

#include "compute/support.h"

namespace hyperion::test {
namespace {

std::vector<char> fill(DType dtype, uint64_t seed, uint64_t first, size_t n, float std = 1) {
  std::vector<char> bytes(bytes_of(dtype, n));
  fill_normal(bytes.data(), dtype, seed, first, n, std);
  return bytes;
}

std::vector<float> fill_floats(uint64_t seed, uint64_t first, size_t n, float std = 1) {
  std::vector<float> values(n);
  fill_normal(values.data(), DType::f32, seed, first, n, std);
  return values;
}

TEST(FillNormal, ChunksMakeTheSameBytes) {
  Values chunks(3);
  // The second start crosses the point where the element index outgrows 32 bits.
  for (const uint64_t first : {uint64_t{0}, (uint64_t{1} << 32) - 1000, uint64_t{123456789012}})
    for (const DType dtype : kDTypes) {
      const size_t n = 5000;
      std::vector<char> pieces;
      for (size_t at = 0; at < n;) {
        const size_t count = std::min(n - at, 1 + chunks.below(700));
        const auto piece = fill(dtype, 42, first + at, count);
        pieces.insert(pieces.end(), piece.begin(), piece.end());
        at += count;
      }
      EXPECT_EQ(fill(dtype, 42, first, n), pieces);
    }
}

TEST(FillNormal, NarrowTypesAreTheFloatsRounded) {
  const auto floats = fill_floats(9, 77, 3000, 0.02f);
  EXPECT_EQ(std::memcmp(Stored(floats, DType::f16).data(),
                        fill(DType::f16, 9, 77, 3000, 0.02f).data(), 6000),
            0);
  EXPECT_EQ(std::memcmp(Stored(floats, DType::bf16).data(),
                        fill(DType::bf16, 9, 77, 3000, 0.02f).data(), 6000),
            0);
}

TEST(FillNormal, HasTheMomentsOfANormalDistribution) {
  const size_t n = 1 << 20;
  const auto values = fill_floats(1, 0, n, 0.5f);
  double mean = 0, variance = 0, fourth = 0;
  size_t within_one = 0;
  for (const float value : values) {
    mean += value;
    variance += double{value} * value;
    fourth += std::pow(value, 4);
    within_one += std::fabs(value) < 0.5f;
  }
  mean /= n, variance /= n, fourth /= n;
  EXPECT_NEAR(mean, 0, 0.003);
  EXPECT_NEAR(variance, 0.25, 0.002);
  EXPECT_NEAR(fourth / (variance * variance), 2.85, 0.03);  // 3 - 1.2 / 8, eight uniform parts
  EXPECT_NEAR(static_cast<double>(within_one) / n, 0.68, 0.005);
}

TEST(FillNormal, NeighboursAndSeedsAreUncorrelated) {
  const size_t n = 1 << 18;
  const auto values = fill_floats(5, 0, n + 4096);
  const auto correlation = [&](const float* other) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += double{values[i]} * other[i];
    return sum / n;
  };
  for (const size_t lag : {1, 2, 16, 256, 4096})
    EXPECT_NEAR(correlation(&values[lag]), 0, 0.012) << lag;
  for (const uint64_t seed : {0, 4, 6, 7, 500})
    EXPECT_NEAR(correlation(fill_floats(seed, 0, n).data()), 0, 0.012) << seed;
}

TEST(FillNormal, SeedsDoNotReorderOneStream) {
  // Were seeds only mixed into the index, two streams would hold the same values in another order.
  auto a = fill_floats(1, 0, 1 << 16), b = fill_floats(2, 0, 1 << 16);
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  EXPECT_NE(a, b);
}

}  // namespace
}  // namespace hyperion::test
