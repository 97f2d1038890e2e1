// The element types that a tensor may have: how they are stored, and the exact conversions of the
// floating-point ones to and from float. What quantized blocks hold is in compute/quantized.h.
// Kernels load vectors of these through simd/vec16.h; this header is the plain-integer definition
// they agree with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hyperion {

// `data` is anything else: bytes that are not computed with.
enum class DType : uint8_t {
  f32,
  f16,
  bf16,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  data,
};

// What is stored together; one element for types that are not quantized.
struct Block {
  size_t elements;
  size_t bytes;
};

// The functions are `static`: files compiled for AVX include this header too, and a shared copy of
// an inline function, should the linker keep theirs, would fault on a processor without AVX.

static inline constexpr Block block_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return {1, 4};
    case DType::f16:
    case DType::bf16:
      return {1, 2};
    case DType::q4_0:
      return {32, 18};
    case DType::q4_1:
      return {32, 20};
    case DType::q5_0:
      return {32, 22};
    case DType::q5_1:
      return {32, 24};
    case DType::q8_0:
      return {32, 34};
    case DType::q2_k:
      return {256, 84};
    case DType::q3_k:
      return {256, 110};
    case DType::q4_k:
      return {256, 144};
    case DType::q5_k:
      return {256, 176};
    case DType::q6_k:
      return {256, 210};
    case DType::data:
      break;
  }
  return {1, 1};
}

// Bytes of so many elements. REQUIRES whole blocks of them.
static inline constexpr size_t bytes_of(DType dtype, size_t elements) {
  const Block block = block_of(dtype);
  return elements / block.elements * block.bytes;
}

// Whether elements stand alone, as floating-point numbers.
static inline constexpr bool is_float(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
}

static inline constexpr bool is_computed(DType dtype) {
  return dtype != DType::data;
}

static inline uint32_t float_bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float float_from_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Exact. A signalling NaN becomes quiet, as the hardware's conversion makes it.
static inline float f16_to_f32(uint16_t half) {
  const uint32_t sign = uint32_t{half} >> 15 << 31;
  const uint32_t magnitude = half & 0x7fffu;
  if (magnitude >= 0x7c00u) {  // infinity or NaN
    const uint32_t quiet = magnitude > 0x7c00u ? 0x00400000u : 0;
    return float_from_bits(sign | 0x7f800000u | (magnitude << 13) | quiet);
  }
  if (magnitude >= 0x0400u) return float_from_bits(sign | ((magnitude << 13) + (112u << 23)));
  const float subnormal = static_cast<float>(magnitude) * 0x1p-24f;
  return float_from_bits(sign | float_bits(subnormal));
}

// Exact, NaN payloads included.
static inline float bf16_to_f32(uint16_t bits) {
  return float_from_bits(uint32_t{bits} << 16);
}

// Round to nearest, ties to even; NaN stays NaN. Written with selections only, so that loops
// vectorize.
static inline uint16_t f32_to_bf16(float value) {
  const uint32_t bits = float_bits(value);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1)) >> 16;
  const uint32_t nan = (bits >> 16) | 0x40u;
  return static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

// Round to nearest, ties to even; beyond the largest half is infinity; NaN stays (a quiet) NaN.
static inline uint16_t f32_to_f16(float value) {
  const uint32_t sign = float_bits(value) & 0x80000000u;
  const uint32_t magnitude = float_bits(value) ^ sign;
  const uint32_t normal = (magnitude - (112u << 23) + 0xfffu + ((magnitude >> 13) & 1)) >> 13;
  // Adding 0.5 puts the last place of the sum at 2^-24, the subnormal half's: the adder does the
  // rounding.
  const uint32_t subnormal = float_bits(float_from_bits(magnitude) + 0.5f) - float_bits(0.5f);
  const uint32_t nan = magnitude > 0x7f800000u ? 0x7e00u | ((magnitude >> 13) & 0x3ffu) : 0x7c00u;
  const uint32_t finite = magnitude < (113u << 23) ? subnormal : normal;
  return static_cast<uint16_t>((magnitude >= 0x47800000u ? nan : finite) | (sign >> 16));
}

}  // namespace hyperion
