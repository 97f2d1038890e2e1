// Sixteen float lanes in one AVX-512 register. The meaning of each operation is in vec16_scalar.h.
#pragma once

#include <immintrin.h>

#include <cstddef>

#include "compute/simd/bytes16.h"
#include "compute/simd/fold_avx.h"

namespace hyperion {

struct Vec16Avx512 {
  static constexpr size_t kDecodeRows = 8, kTileTokens = 8, kHeadTile = 8, kBlockRows = 8;
  // Rows beside so many tokens, whose sums fill most of the registers.
  static constexpr size_t tile_rows(size_t tokens) {
    return tokens <= 3 ? 8 : tokens == 4 ? 6 : tokens <= 6 ? 4 : 3;
  }

  __m512 v;

  static Vec16Avx512 broadcast(float value) { return {_mm512_set1_ps(value)}; }
  static Vec16Avx512 load_f32(const void* in) { return {_mm512_loadu_ps(in)}; }
  static Vec16Avx512 load_f16(const void* in) { return {_mm512_cvtph_ps(load_16x16(in))}; }
  static Vec16Avx512 load_bf16(const void* in) {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_16x16(in)), 16))};
  }
  static Vec16Avx512 broadcast_f16(const void* in) { return broadcast(_cvtsh_ss(load_16(in))); }
  static Vec16Avx512 from_i8(Bytes16 bytes) {
    return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32((__m128i)bytes))};
  }
  static Vec16Avx512 levels(Vec16Avx512 d) {
    const __m512 steps = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
    return {_mm512_mul_ps(steps, d.v)};
  }
  static Vec16Avx512 choose(Vec16Avx512 levels, Bytes16 q, size_t from) {
    const __m512i wide = _mm512_cvtepu8_epi32((__m128i)q);
    const __m512i moved = _mm512_srli_epi32(wide, static_cast<unsigned>(from));
    return {_mm512_permutexvar_ps(moved, levels.v)};
  }
  Vec16Avx512 held() const {
    Vec16Avx512 copy = *this;
    asm("" : "+v"(copy.v));
    return copy;
  }
  void store(float* out) const { _mm512_storeu_ps(out, v); }

  friend Vec16Avx512 operator+(Vec16Avx512 a, Vec16Avx512 b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend Vec16Avx512 operator-(Vec16Avx512 a, Vec16Avx512 b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend Vec16Avx512 operator*(Vec16Avx512 a, Vec16Avx512 b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend Vec16Avx512 operator/(Vec16Avx512 a, Vec16Avx512 b) { return {_mm512_div_ps(a.v, b.v)}; }
  static Vec16Avx512 fma(Vec16Avx512 a, Vec16Avx512 b, Vec16Avx512 c) {
    return {_mm512_fmadd_ps(a.v, b.v, c.v)};
  }
  static Vec16Avx512 max(Vec16Avx512 a, Vec16Avx512 b) { return {_mm512_max_ps(a.v, b.v)}; }
  static Vec16Avx512 min(Vec16Avx512 a, Vec16Avx512 b) { return {_mm512_min_ps(a.v, b.v)}; }
  static Vec16Avx512 pow2(Vec16Avx512 round_plus_n) {
    const __m512i shifted = _mm512_slli_epi32(_mm512_castps_si512(round_plus_n.v), 23);
    return {_mm512_castsi512_ps(_mm512_add_epi32(shifted, _mm512_set1_epi32(0x3f800000)))};
  }

  float reduce_add() const { return fold_add(_mm256_add_ps(low(), high())); }
  float reduce_max() const { return fold_max(_mm256_max_ps(low(), high())); }

 private:
  static __m256i load_16x16(const void* in) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(in));
  }
  __m256 low() const { return _mm512_castps512_ps256(v); }
  __m256 high() const { return _mm512_extractf32x8_ps(v, 1); }
};

}  // namespace hyperion
