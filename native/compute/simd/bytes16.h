// Sixteen bytes in one register, in which quantized weights are unpacked before they become floats.
// A vector type of the compiler's: its operators are the processor's instructions, or plain loops
// where it has none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hyperion {

using Bytes16 = uint8_t __attribute__((vector_size(16)));
using Words8 = uint16_t __attribute__((vector_size(16)));
using Longs2 = uint64_t __attribute__((vector_size(16)));

static inline uint16_t load_16(const void* in) {
  uint16_t value;
  std::memcpy(&value, in, sizeof value);
  return value;
}

static inline Bytes16 load_bytes(const uint8_t* in) {
  Bytes16 bytes;
  std::memcpy(&bytes, in, sizeof bytes);
  return bytes;
}

static inline Bytes16 bytes_of_words(const uint32_t (&words)[4]) {
  Bytes16 bytes;
  std::memcpy(&bytes, words, sizeof bytes);
  return bytes;
}

// Moves the bits of each byte so that bit `from` becomes bit `to`, and keeps those in `mask`.
// REQUIRES that these come from the byte itself: what is shifted is pairs of bytes.
static inline Bytes16 move_bits(Bytes16 bytes, size_t from, size_t to, uint8_t mask) {
  const Words8 pairs = (Words8)bytes;
  return (Bytes16)(from > to ? pairs >> static_cast<uint16_t>(from - to)
                             : pairs << static_cast<uint16_t>(to - from)) &
         mask;
}

// The bits from `shift` on.
static inline Bytes16 bits(Bytes16 bytes, size_t shift, uint8_t mask) {
  return move_bits(bytes, shift, 0, mask);
}

// Sixteen bits, the lowest first, as bytes that are `value` or 0.
static inline Bytes16 spread_bits(uint16_t set, uint8_t value) {
  const uint64_t ones = 0x0101010101010101u;
  const Longs2 copies = {(set & 0xffu) * ones, (set >> 8) * ones};
  const Bytes16 bit = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  return (Bytes16)(((Bytes16)copies & bit) != 0) & value;
}

}  // namespace hyperion
