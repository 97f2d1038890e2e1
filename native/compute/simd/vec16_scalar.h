// Sixteen float lanes in plain C++: the definition that the vector back ends match bit for bit, and
// the back end of processors without one. std::fma is exact everywhere (a library call where the
// target has no instruction).
#pragma once

#include <cmath>

#include "compute/dtype.h"
#include "compute/simd/bytes16.h"

namespace hyperion {

struct Vec16Scalar {
  // Register tiles of matmul: rows at once for one token; rows x tokens for more; vectors of a head
  // at once; rows of quantized weights at once for one token.
  static constexpr size_t kDecodeRows = 1, kTileTokens = 1, kHeadTile = 4, kBlockRows = 1;
  static constexpr size_t tile_rows(size_t) { return 1; }

  float lane[16];

  static Vec16Scalar broadcast(float value) {
    return make([&](size_t) { return value; });
  }
  static Vec16Scalar load_f32(const void* in) {
    Vec16Scalar v;
    std::memcpy(v.lane, in, sizeof v.lane);
    return v;
  }
  static Vec16Scalar load_f16(const void* in) {
    uint16_t half[16];
    std::memcpy(half, in, sizeof half);
    return make([&](size_t i) { return f16_to_f32(half[i]); });
  }
  static Vec16Scalar load_bf16(const void* in) {
    uint16_t bits[16];
    std::memcpy(bits, in, sizeof bits);
    return make([&](size_t i) { return bf16_to_f32(bits[i]); });
  }
  static Vec16Scalar broadcast_f16(const void* in) { return broadcast(f16_to_f32(load_16(in))); }
  // Signed bytes.
  static Vec16Scalar from_i8(Bytes16 bytes) {
    return make([&](size_t i) { return static_cast<float>(static_cast<int8_t>(bytes[i])); });
  }
  // The sixteen multiples of d from -8 d to 7 d, of which four bits of each byte choose one.
  static Vec16Scalar levels(Vec16Scalar d) { return d; }
  static Vec16Scalar choose(Vec16Scalar levels, Bytes16 q, size_t from) {
    return from_i8(bits(q, from, 15) - 8) * levels;
  }
  // The same in a register, which the compiler would otherwise load from memory at each use.
  Vec16Scalar held() const { return *this; }
  void store(float* out) const { std::memcpy(out, lane, sizeof lane); }

  friend Vec16Scalar operator+(const Vec16Scalar& a, const Vec16Scalar& b) {
    return make([&](size_t i) { return a.lane[i] + b.lane[i]; });
  }
  friend Vec16Scalar operator-(const Vec16Scalar& a, const Vec16Scalar& b) {
    return make([&](size_t i) { return a.lane[i] - b.lane[i]; });
  }
  friend Vec16Scalar operator*(const Vec16Scalar& a, const Vec16Scalar& b) {
    return make([&](size_t i) { return a.lane[i] * b.lane[i]; });
  }
  friend Vec16Scalar operator/(const Vec16Scalar& a, const Vec16Scalar& b) {
    return make([&](size_t i) { return a.lane[i] / b.lane[i]; });
  }
  // a * b + c, rounded once.
  static Vec16Scalar fma(const Vec16Scalar& a, const Vec16Scalar& b, const Vec16Scalar& c) {
    return make([&](size_t i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
  }
  // As the instruction has it: b when either is NaN or both are zeros.
  static Vec16Scalar max(const Vec16Scalar& a, const Vec16Scalar& b) {
    return make([&](size_t i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static Vec16Scalar min(const Vec16Scalar& a, const Vec16Scalar& b) {
    return make([&](size_t i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  // 2^n for lanes that kRound + n holds, n a whole number in [-126, 127] (see exp.h).
  static Vec16Scalar pow2(const Vec16Scalar& round_plus_n) {
    return make([&](size_t i) {
      return float_from_bits((float_bits(round_plus_n.lane[i]) << 23) + 0x3f800000u);
    });
  }

  // The fixed order: lane i + lane i+8, then i+4, i+2, i+1.
  float reduce_add() const {
    return fold([](float a, float b) { return a + b; });
  }
  float reduce_max() const {
    return fold([](float a, float b) { return a > b ? a : b; });
  }

 private:
  template <class F>
  static Vec16Scalar make(F f) {
    Vec16Scalar v;
    for (size_t i = 0; i < 16; i++) v.lane[i] = f(i);
    return v;
  }
  template <class F>
  float fold(F f) const {
    Vec16Scalar v = *this;
    for (size_t half = 8; half > 0; half /= 2)
      for (size_t i = 0; i < half; i++) v.lane[i] = f(v.lane[i], v.lane[i + half]);
    return v.lane[0];
  }
};

}  // namespace hyperion
