// Sixteen float lanes in two AVX registers. The meaning of each operation is in vec16_scalar.h.
#pragma once

#include <immintrin.h>

#include <cstddef>

#include "compute/simd/bytes16.h"
#include "compute/simd/fold_avx.h"

namespace hyperion {

struct Vec16Avx2 {
  static constexpr size_t kDecodeRows = 4, kTileTokens = 6, kHeadTile = 4,
                          kBlockRows = 4;
  static constexpr size_t tile_rows(size_t) { return 1; }

  __m256 low, high;

  static Vec16Avx2 broadcast(float value) { return {_mm256_set1_ps(value), _mm256_set1_ps(value)}; }
  static Vec16Avx2 load_f32(const void* in) {
    const float* lanes = static_cast<const float*>(in);
    return {_mm256_loadu_ps(lanes), _mm256_loadu_ps(lanes + 8)};
  }
  static Vec16Avx2 load_f16(const void* in) {
    return {_mm256_cvtph_ps(load_8x16(in, 0)), _mm256_cvtph_ps(load_8x16(in, 1))};
  }
  static Vec16Avx2 load_bf16(const void* in) {
    return {widen_bf16(load_8x16(in, 0)), widen_bf16(load_8x16(in, 1))};
  }
  static Vec16Avx2 broadcast_f16(const void* in) { return broadcast(_cvtsh_ss(load_16(in))); }
  static Vec16Avx2 from_i8(Bytes16 bytes) {
    const __m128i low = (__m128i)bytes;
    return {widen_i8(low), widen_i8(_mm_unpackhi_epi64(low, low))};
  }
  static Vec16Avx2 levels(Vec16Avx2 d) { return d; }
  static Vec16Avx2 choose(Vec16Avx2 levels, Bytes16 q, size_t from) {
    return from_i8(bits(q, from, 15) - 8) * levels;
  }
  Vec16Avx2 held() const { return *this; }
  void store(float* out) const {
    _mm256_storeu_ps(out, low);
    _mm256_storeu_ps(out + 8, high);
  }

  friend Vec16Avx2 operator+(Vec16Avx2 a, Vec16Avx2 b) {
    return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
  }
  friend Vec16Avx2 operator-(Vec16Avx2 a, Vec16Avx2 b) {
    return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
  }
  friend Vec16Avx2 operator*(Vec16Avx2 a, Vec16Avx2 b) {
    return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
  }
  friend Vec16Avx2 operator/(Vec16Avx2 a, Vec16Avx2 b) {
    return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
  }
  static Vec16Avx2 fma(Vec16Avx2 a, Vec16Avx2 b, Vec16Avx2 c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  static Vec16Avx2 max(Vec16Avx2 a, Vec16Avx2 b) {
    return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
  }
  static Vec16Avx2 min(Vec16Avx2 a, Vec16Avx2 b) {
    return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
  }
  static Vec16Avx2 pow2(Vec16Avx2 round_plus_n) {
    return {pow2_half(round_plus_n.low), pow2_half(round_plus_n.high)};
  }

  float reduce_add() const { return fold_add(_mm256_add_ps(low, high)); }
  float reduce_max() const { return fold_max(_mm256_max_ps(low, high)); }

 private:
  static __m256 widen_i8(__m128i eight) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight)); }
  static __m128i load_8x16(const void* in, size_t half) {
    return _mm_loadu_si128(static_cast<const __m128i*>(in) + half);
  }
  static __m256 widen_bf16(__m128i bits) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  static __m256 pow2_half(__m256 round_plus_n) {
    const __m256i shifted = _mm256_slli_epi32(_mm256_castps_si256(round_plus_n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(shifted, _mm256_set1_epi32(0x3f800000)));
  }
};

}  // namespace hyperion
