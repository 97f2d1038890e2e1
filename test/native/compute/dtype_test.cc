#include "compute/dtype.h"

#include "compute/support.h"

namespace hyperion::test {
namespace {

// The value of a 16-bit float from its fields, in double arithmetic.
double value_of(uint16_t bits, int exponent_bits) {
  const int fraction_bits = 15 - exponent_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = (bits & 0x7fff) >> fraction_bits;
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1)
    return fraction ? std::nan("") : sign * std::numeric_limits<double>::infinity();
  const int hidden = exponent ? 1 << fraction_bits : 0;
  return sign * std::ldexp(fraction + hidden, (exponent ? exponent : 1) - bias - fraction_bits);
}

struct Format {
  DType dtype;
  int exponent_bits;
  float (*widen)(uint16_t);
  uint16_t (*narrow)(float);
};
const Format kFormats[] = {{DType::f16, 5, f16_to_f32, f32_to_f16},
                           {DType::bf16, 8, bf16_to_f32, f32_to_bf16}};

TEST(DType, WidensEveryValueExactly) {
  std::vector<uint16_t> every(65536);
  for (size_t i = 0; i < every.size(); i++) every[i] = static_cast<uint16_t>(i);
  for (const Format& format : kFormats)
    for (const Kernels* table : all_kernels()) {
      std::vector<float> wide(every.size());
      table->to_f32(every.data(), format.dtype, every.size(), wide.data());
      for (size_t i = 0; i < every.size(); i++) {
        const double expected = value_of(every[i], format.exponent_bits);
        ASSERT_EQ(float_bits(wide[i]), float_bits(format.widen(every[i])))
            << table->name << " " << i;
        if (std::isnan(expected)) {
          ASSERT_TRUE(std::isnan(wide[i])) << i;
        } else {
          ASSERT_EQ(wide[i], expected) << i;
          ASSERT_EQ(std::signbit(wide[i]), std::signbit(expected)) << i;
        }
      }
    }
}

TEST(DType, NarrowingUndoesWidening) {
  for (const Format& format : kFormats)
    for (uint32_t i = 0; i < 65536; i++) {
      const float wide = format.widen(static_cast<uint16_t>(i));
      if (std::isnan(wide))
        ASSERT_TRUE(std::isnan(format.widen(format.narrow(wide)))) << i;
      else
        ASSERT_EQ(format.narrow(wide), i);
    }
}

TEST(DType, NarrowsToTheNearestAndTiesToEven) {
  for (const Format& format : kFormats)
    for (uint32_t i = 0; i < 0x7fff; i++) {
      const auto lower = static_cast<uint16_t>(i), upper = static_cast<uint16_t>(i + 1);
      const float a = format.widen(lower);
      if (!std::isfinite(a)) break;
      // Past the largest finite value, rounding acts as if the next power of two could be
      // represented.
      const float b = std::isfinite(format.widen(upper))
                          ? format.widen(upper)
                          : 2 * a - format.widen(static_cast<uint16_t>(i - 1));
      if (!std::isfinite(b)) break;
      const float middle = a + (b - a) / 2;
      const uint16_t even = i % 2 ? upper : lower;
      ASSERT_EQ(format.narrow(middle), even) << i;
      ASSERT_EQ(format.narrow(-middle), even | 0x8000) << i;
      ASSERT_EQ(format.narrow(std::nextafter(middle, 0.0f)), lower) << i;
      ASSERT_EQ(format.narrow(std::nextafter(middle, b)), upper) << i;
    }
}

}  // namespace
}  // namespace hyperion::test
