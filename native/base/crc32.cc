#include "base/crc32.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace hyperion {
namespace {

// The polynomial with its lowest power in the highest bit; the power x^32 is left out.
constexpr uint32_t kPolynomial = 0xedb88320;

constexpr uint32_t times_x(uint32_t value) {
  return (value & 1) != 0 ? (value >> 1) ^ kPolynomial : value >> 1;
}

// tables[n][b] is the remainder of byte b with n zero bytes after it.
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = times_x(value);
    tables[0][byte] = value;
  }
  for (size_t n = 1; n < tables.size(); ++n) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[n - 1][byte];
      tables[n][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

// The functions from here to crc32() take and give the remainder itself, which the checksum is the
// complement of.
uint32_t by_table(uint32_t state, std::span<const std::byte> bytes) {
  const auto at = [&](size_t i) { return static_cast<uint32_t>(bytes[i]); };
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    const uint32_t first = state ^ (at(0) | at(1) << 8 | at(2) << 16 | at(3) << 24);
    state = kTables[7][first & 0xff] ^ kTables[6][first >> 8 & 0xff] ^
            kTables[5][first >> 16 & 0xff] ^ kTables[4][first >> 24] ^ kTables[3][at(4)] ^
            kTables[2][at(5)] ^ kTables[1][at(6)] ^ kTables[0][at(7)];
  }
  for (const std::byte byte : bytes) {
    state = (state >> 8) ^ kTables[0][(state ^ static_cast<uint32_t>(byte)) & 0xff];
  }
  return state;
}

#if defined(__x86_64__)

constexpr size_t kFoldedAtOnce = 64;

#define HYPERION_FOLDING __attribute__((target("pclmul,sse4.1")))

HYPERION_FOLDING inline __m128i load(const std::byte* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

// Moves a remainder as far ahead as the powers say, onto `next`.
HYPERION_FOLDING inline __m128i fold(__m128i value, __m128i powers, __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(value, powers, 0x00);
  const __m128i high = _mm_clmulepi64_si128(value, powers, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

// Gopal et al., 'Fast CRC Computation for Generic Polynomials Using PCLMULQDQ', 2009; its constants
// for this polynomial. REQUIRES: whole blocks of 16 bytes, kFoldedAtOnce bytes at least.
HYPERION_FOLDING uint32_t by_folding(uint32_t state, std::span<const std::byte> bytes) {
  const __m128i by_64 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
  const __m128i by_16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  const __m128i to_32 = _mm_set_epi64x(0, 0x0163cd6124);
  const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);
  const __m128i low_words = _mm_setr_epi32(~0, 0, ~0, 0);

  const std::byte* from = bytes.data();
  const std::byte* const end = from + bytes.size();
  __m128i parts[4];
  for (size_t i = 0; i < 4; ++i) parts[i] = load(from + 16 * i);
  parts[0] = _mm_xor_si128(parts[0], _mm_cvtsi32_si128(static_cast<int>(state)));
  for (from += 64; end - from >= 64; from += 64) {
    for (size_t i = 0; i < 4; ++i) parts[i] = fold(parts[i], by_64, load(from + 16 * i));
  }
  __m128i value = parts[0];
  for (size_t i = 1; i < 4; ++i) value = fold(value, by_16, parts[i]);
  for (; from < end; from += 16) value = fold(value, by_16, load(from));

  value = _mm_xor_si128(_mm_srli_si128(value, 8), _mm_clmulepi64_si128(value, by_16, 0x10));
  value = _mm_xor_si128(_mm_srli_si128(value, 4),
                        _mm_clmulepi64_si128(_mm_and_si128(value, low_words), to_32, 0x00));
  __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(value, low_words), barrett, 0x10);
  quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, low_words), barrett, 0x00);
  return static_cast<uint32_t>(_mm_extract_epi32(_mm_xor_si128(value, quotient), 1));
}

#undef HYPERION_FOLDING

uint32_t advance(uint32_t state, std::span<const std::byte> bytes) {
  static const bool folds =
      __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.1") != 0;
  if (folds && bytes.size() >= kFoldedAtOnce) {
    const size_t whole = bytes.size() / 16 * 16;
    state = by_folding(state, bytes.first(whole));
    bytes = bytes.subspan(whole);
  }
  return by_table(state, bytes);
}

#elif defined(__ARM_FEATURE_CRC32)

uint32_t advance(uint32_t state, std::span<const std::byte> bytes) {
  for (; bytes.size() >= sizeof(uint64_t); bytes = bytes.subspan(sizeof(uint64_t))) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    state = __crc32d(state, word);
  }
  return by_table(state, bytes);
}

#else

uint32_t advance(uint32_t state, std::span<const std::byte> bytes) {
  return by_table(state, bytes);
}

#endif

// The product of two polynomials, modulo ours.
uint32_t multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = uint32_t{1} << 31; bit != 0; bit >>= 1, b = times_x(b)) {
    if ((a & bit) != 0) product ^= b;
  }
  return product;
}

}  // namespace

uint32_t crc32(std::span<const std::byte> bytes, uint32_t before) {
  return ~advance(~before, bytes);
}

uint32_t crc32_combine(uint32_t first, uint32_t second, uint64_t second_bytes) {
  // x^(8 · second_bytes), by squaring.
  uint32_t power = uint32_t{1} << 31;
  uint32_t square = uint32_t{1} << 23;
  for (uint64_t left = second_bytes; left > 0; left >>= 1, square = multiply(square, square)) {
    if ((left & 1) != 0) power = multiply(power, square);
  }
  return multiply(power, first) ^ second;
}

}  // namespace hyperion
