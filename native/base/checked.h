// Arithmetic on byte counts that come from files: an overflow is an answer, never a wrapped number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace hyperion {

inline std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
  uint64_t sum;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

inline std::optional<uint64_t> checked_mul(uint64_t a, uint64_t b) {
  uint64_t product;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// REQUIRES: unit is a power of two; the result is representable (byte counts below 2^63).
constexpr uint64_t round_up(uint64_t value, uint64_t unit) {
  return (value + unit - 1) & ~(unit - 1);
}

// REQUIRES: unit is a power of two.
constexpr uint64_t round_down(uint64_t value, uint64_t unit) {
  return value & ~(unit - 1);
}

constexpr uint64_t divide_up(uint64_t value, uint64_t by) {
  return value / by + (value % by != 0 ? 1 : 0);
}

}  // namespace hyperion
