// What blocks of quantized weights hold: GGUF's types, in the layouts of ggml (ggml-common.h),
// which are little endian. Elements are multiplied as they come out of a block, sixteen in a
// register.
//
// Every value is exact to one rounding, and the same on every instruction set: a scale of 11 bits
// times a smaller scale times a weight fits the 24 bits of a float, so only the last sum rounds.
#pragma once

#include "compute/dtype.h"
#include "compute/simd/bytes16.h"

namespace hyperion {

// One block. at(i) = elements [16 i, 16 i + 16). `in` may be unaligned, and is read by at() too.
template <class V, DType D>
struct Quantized;

// d (f16), 16 bytes: element i is the low half of byte i, element 16 + i the high half.
template <class V>
struct Quantized<V, DType::q4_0> {
  explicit Quantized(const uint8_t* in)
      : levels(V::levels(V::broadcast_f16(in))), q(load_bytes(in + 2)) {}
  V at(size_t i) const { return V::choose(levels, q, 4 * i); }
  V levels;
  Bytes16 q;
};

// d, m (f16), and halves as in q4_0.
template <class V>
struct Quantized<V, DType::q4_1> {
  explicit Quantized(const uint8_t* in)
      : d(V::broadcast_f16(in)), m(V::broadcast_f16(in + 2)), q(load_bytes(in + 4)) {}
  V at(size_t i) const { return V::fma(V::from_i8(bits(q, 4 * i, 15)), d, m); }
  V d, m;
  Bytes16 q;
};

// The fifth bit of 32 elements, where their other four are halves of bytes.
static inline Bytes16 fifth_bits(const uint8_t* in, size_t i) {
  return spread_bits(load_16(in + 2 * i), 16);
}

// d (f16), the fifth bits of all elements, and halves as in q4_0.
template <class V>
struct Quantized<V, DType::q5_0> {
  explicit Quantized(const uint8_t* in)
      : d(V::broadcast_f16(in)), fifth(in + 2), q(load_bytes(in + 6)) {}
  V at(size_t i) const { return V::from_i8((bits(q, 4 * i, 15) | fifth_bits(fifth, i)) - 16) * d; }
  V d;
  const uint8_t* fifth;
  Bytes16 q;
};

// d, m (f16), and the rest as in q5_0.
template <class V>
struct Quantized<V, DType::q5_1> {
  explicit Quantized(const uint8_t* in)
      : d(V::broadcast_f16(in)),
        m(V::broadcast_f16(in + 2)),
        fifth(in + 4),
        q(load_bytes(in + 8)) {}
  V at(size_t i) const {
    return V::fma(V::from_i8(bits(q, 4 * i, 15) | fifth_bits(fifth, i)), d, m);
  }
  V d, m;
  const uint8_t* fifth;
  Bytes16 q;
};

// d (f16), 32 signed bytes.
template <class V>
struct Quantized<V, DType::q8_0> {
  explicit Quantized(const uint8_t* in) : d(V::broadcast_f16(in)), q(in + 2) {}
  V at(size_t i) const { return V::from_i8(load_bytes(q + 16 * i)) * d; }
  V d;
  const uint8_t* q;
};

// 16 scales (low halves) and mins (high halves) of 16 elements each, 64 bytes of quarters, d and
// dmin (f16). Of 128 elements, 32 consecutive ones are the same quarter of 32 consecutive bytes.
template <class V>
struct Quantized<V, DType::q2_k> {
  explicit Quantized(const uint8_t* in) : q(in + 16) {
    const Bytes16 both = load_bytes(in);
    (V::from_i8(bits(both, 0, 15)) * V::broadcast_f16(in + 80)).store(scale);
    (V::from_i8(bits(both, 4, 15)) * V::broadcast_f16(in + 82) * V::broadcast(-1)).store(min);
  }
  V at(size_t i) const {
    const Bytes16 quarters = load_bytes(q + i / 8 * 32 + i % 2 * 16);
    return V::fma(V::from_i8(bits(quarters, i % 8 / 2 * 2, 3)), V::broadcast(scale[i]),
                  V::broadcast(min[i]));
  }
  const uint8_t* q;
  float scale[16], min[16];
};

// 32 bytes of third bits, 64 bytes of quarters as in q2_k, 16 scales of 6 bits in 12 bytes, d
// (f16). Bit b of third byte i belongs to element 32 b + i.
template <class V>
struct Quantized<V, DType::q3_k> {
  explicit Quantized(const uint8_t* in) : third(in), q(in + 32) {
    uint32_t low[2], high;
    std::memcpy(low, in + 96, sizeof low);
    std::memcpy(&high, in + 104, sizeof high);
    uint32_t words[4];
    for (size_t i = 0; i < 4; i++) {
      const uint32_t upper = (high >> (2 * i)) & 0x03030303u;
      words[i] = ((low[i % 2] >> (i / 2 * 4)) & 0x0f0f0f0fu) | (upper << 4);
    }
    (V::from_i8(bytes_of_words(words) - 32) * V::broadcast_f16(in + 108)).store(scale);
  }
  V at(size_t i) const {
    const Bytes16 quarters = load_bytes(q + i / 8 * 32 + i % 2 * 16);
    const Bytes16 thirds = move_bits(load_bytes(third + i % 2 * 16), i / 2, 2, 4);
    return V::from_i8((bits(quarters, i % 8 / 2 * 2, 3) | thirds) - 4) * V::broadcast(scale[i]);
  }
  const uint8_t *third, *q;
  float scale[16];
};

// What begins q4_k and q5_k: d and dmin (f16), then scales and mins of 6 bits for eight times 32
// elements: the first four of each in the low bits of 8 bytes, the others in halves of 4 bytes and
// in the upper bits of those 8.
template <class V>
struct ScalesAndMins {
  explicit ScalesAndMins(const uint8_t* in) {
    uint32_t a, b, c;
    std::memcpy(&a, in + 4, sizeof a);
    std::memcpy(&b, in + 8, sizeof b);
    std::memcpy(&c, in + 12, sizeof c);
    const uint32_t six = 0x3f3f3f3fu, four = 0x0f0f0f0fu, two = 0x30303030u;
    const uint32_t words[4] = {a & six, (c & four) | ((a >> 2) & two), b & six,
                               ((c >> 4) & four) | ((b >> 2) & two)};
    const V both = V::from_i8(bytes_of_words(words));
    (both * V::broadcast_f16(in)).store(scale);
    (both * V::broadcast_f16(in + 2) * V::broadcast(-1)).store(min);
  }
  V apply(Bytes16 q, size_t i) const {
    return V::fma(V::from_i8(q), V::broadcast(scale[i / 2]), V::broadcast(min[8 + i / 2]));
  }
  float scale[16], min[16];  // those of the other eight are not used
};

// 128 bytes: of 64 elements, the first 32 are the low halves of 32 bytes, the others the high ones.
static inline Bytes16 halves_of_64(const uint8_t* q, size_t i) {
  return bits(load_bytes(q + i / 4 * 32 + i % 2 * 16), i % 4 / 2 * 4, 15);
}

template <class V>
struct Quantized<V, DType::q4_k> {
  explicit Quantized(const uint8_t* in) : scales(in), q(in + 16) {}
  V at(size_t i) const { return scales.apply(halves_of_64(q, i), i); }
  ScalesAndMins<V> scales;
  const uint8_t* q;
};

// As q4_k, with 32 bytes of fifth bits before the halves: bit b of byte i is of element 32 b + i.
template <class V>
struct Quantized<V, DType::q5_k> {
  explicit Quantized(const uint8_t* in) : scales(in), fifth(in + 16), q(in + 48) {}
  V at(size_t i) const {
    const Bytes16 upper = move_bits(load_bytes(fifth + i % 2 * 16), i / 2, 4, 16);
    return scales.apply(halves_of_64(q, i) | upper, i);
  }
  ScalesAndMins<V> scales;
  const uint8_t *fifth, *q;
};

// 128 bytes of halves, 64 bytes of quarters (the two upper bits), 16 scales (signed bytes) of 16
// elements each, d (f16). Of 128 elements, the first 64 are the low halves of 64 bytes, the others
// the high ones, and each 32 a quarter of 32 bytes.
template <class V>
struct Quantized<V, DType::q6_k> {
  explicit Quantized(const uint8_t* in) : low(in), high(in + 128) {
    (V::from_i8(load_bytes(in + 192)) * V::broadcast_f16(in + 208)).store(scale);
  }
  V at(size_t i) const {
    const Bytes16 lower = bits(load_bytes(low + i / 8 * 64 + i % 4 * 16), i % 8 / 4 * 4, 15);
    const Bytes16 upper =
        move_bits(load_bytes(high + i / 8 * 32 + i % 2 * 16), i % 8 / 2 * 2, 4, 0x30);
    return V::from_i8((lower | upper) - 32) * V::broadcast(scale[i]);
  }
  const uint8_t *low, *high;
  float scale[16];
};

// Elements [0, n) of a row. REQUIRES whole blocks.
template <class V, DType D>
void decode(const void* in, size_t n, float* out) {
  constexpr Block block = block_of(D);
  const uint8_t* at = static_cast<const uint8_t*>(in);
  for (size_t k = 0; k < n; k += block.elements, at += block.bytes) {
    const Quantized<V, D> weights(at);
#pragma GCC unroll 16
    for (size_t i = 0; i < block.elements / 16; i++) weights.at(i).store(out + k + 16 * i);
  }
}

}  // namespace hyperion
