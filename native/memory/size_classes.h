// The sizes that small blocks are rounded up to, from 16 bytes to 64 KiB: eight for each doubling
// and steps of at most 2 KiB, so that rounding costs 3 % on average and a class is arithmetic on
// the size.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace hyperion {

inline constexpr uint64_t kLargestClassBytes = 64 * 1024;
inline constexpr uint32_t kSizeClasses = 88;
inline constexpr uint32_t kSmallestStepShift = 4;
inline constexpr uint32_t kLargestStepShift = 11;

// The smallest class that holds `bytes`. The class of a multiple of a power of two up to 2 KiB is
// such a multiple too. REQUIRES: 0 < bytes <= kLargestClassBytes.
constexpr uint32_t size_class(uint64_t bytes) {
  const auto last = static_cast<uint32_t>(bytes - 1);
  const auto doubling = static_cast<uint32_t>(std::bit_width(last | 128)) - kSmallestStepShift;
  const uint32_t shift = std::min(doubling, kLargestStepShift);
  return (shift - kSmallestStepShift) * 8 + (last >> shift);
}

// REQUIRES: index < kSizeClasses.
constexpr uint32_t class_bytes(uint32_t index) {
  const uint32_t shift =
      std::clamp(index / 8 + kSmallestStepShift - 1, kSmallestStepShift, kLargestStepShift);
  return (index - (shift - kSmallestStepShift) * 8 + 1) << shift;
}

}  // namespace hyperion
