// What the kernel tests share: the tables this processor can run, seeded values, and weights in
// every element type.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "compute/kernels.h"

namespace hyperion::test {

inline const Kernels& scalar() {
  return *kernels_for("scalar");
}

inline std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> tables;
  for (const char* name : {"scalar", "avx2", "avx512"})
    if (const Kernels* table = kernels_for(name)) tables.push_back(table);
  return tables;
}

constexpr DType kDTypes[] = {DType::f32, DType::f16, DType::bf16};

// Widths around the lane count, odd ones, and ones that models have.
constexpr size_t kWidths[] = {1, 2, 7, 15, 16, 17, 31, 32, 63, 64, 100, 176, 500};

class Values {
 public:
  explicit Values(unsigned seed) : engine_(seed) {}

  std::vector<float> normal(size_t n, float deviation = 1) {
    std::normal_distribution<float> draw(0, deviation);
    std::vector<float> values(n);
    for (float& value : values) value = draw(engine_);
    return values;
  }

  // Mostly ordinary values; some zeros of both signs, denormals, and magnitudes whose products
  // overflow or vanish.
  std::vector<float> harsh(size_t n) {
    constexpr float kHarsh[] = {0.0f,   -0.0f,   1e-45f, -3e-39f, 1.17549e-38f, 1e-20f,
                                -1e20f, 3.4e38f, 65504,  6e-8f,   -1e-7f,       88.5f};
    std::vector<float> values = normal(n);
    for (float& value : values)
      if (engine_() % 4 == 0) value = kHarsh[engine_() % std::size(kHarsh)];
    return values;
  }

  size_t below(size_t n) { return engine_() % n; }

 private:
  std::mt19937 engine_;
};

// Values stored as `dtype`, `offset` bytes past an aligned address: tensors in files are unaligned.
class Stored {
 public:
  Stored(const std::vector<float>& values, DType dtype, size_t offset = 0)
      : offset_(offset), bytes_(offset + bytes_of(dtype, values.size())) {
    for (size_t i = 0; i < values.size(); i++) {
      char* at = bytes_.data() + offset + bytes_of(dtype, i);
      if (dtype == DType::f32) {
        std::memcpy(at, &values[i], 4);
        rounded_.push_back(values[i]);
        continue;
      }
      const bool half = dtype == DType::f16;
      const uint16_t bits = half ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
      std::memcpy(at, &bits, 2);
      rounded_.push_back(half ? f16_to_f32(bits) : bf16_to_f32(bits));
    }
  }
  const void* data() const { return bytes_.data() + offset_; }
  const std::vector<float>& rounded() const { return rounded_; }

 private:
  size_t offset_;
  std::vector<char> bytes_;
  std::vector<float> rounded_;
};

// Equal bits; for NaN it is enough that both are (its payload depends on the order of an
// instruction's operands).
inline ::testing::AssertionResult same_bits(const std::vector<float>& a,
                                            const std::vector<float>& b) {
  if (a.size() != b.size()) return ::testing::AssertionFailure() << "sizes differ";
  for (size_t i = 0; i < a.size(); i++)
    if (float_bits(a[i]) != float_bits(b[i]) && !(std::isnan(a[i]) && std::isnan(b[i])))
      return ::testing::AssertionFailure() << "[" << i << "]: " << a[i] << " and " << b[i];
  return ::testing::AssertionSuccess();
}

}  // namespace hyperion::test
