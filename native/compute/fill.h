// The inner loop of compute/random.h: plain integer and float arithmetic on arrays, which the
// compiler turns into the vector instructions that the file including it is compiled for.
#pragma once

#include "compute/dtype.h"

namespace hyperion {

// Three keys per (seed, upper half of the element index), so that streams of different seeds have
// nothing in common.
struct FillKeys {
  uint32_t a, b, c;
};

template <class V>
uint64_t mix64(uint64_t x) {  // splitmix64's finalizer
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

template <class V>
FillKeys fill_keys(uint64_t seed, uint32_t upper) {
  const uint64_t first = mix64<V>(mix64<V>(seed + 0x9e3779b97f4a7c15u) + upper);
  const uint64_t second = mix64<V>(first + 0x9e3779b97f4a7c15u);
  return {static_cast<uint32_t>(first), static_cast<uint32_t>(first >> 32),
          static_cast<uint32_t>(second)};
}

// Sum of the eight bytes of two words.
template <class V>
uint32_t byte_sum(uint32_t p, uint32_t q) {
  const uint32_t pairs =
      (p & 0x00ff00ffu) + ((p >> 8) & 0x00ff00ffu) + (q & 0x00ff00ffu) + ((q >> 8) & 0x00ff00ffu);
  return (pairs & 0xffffu) + (pairs >> 16);
}

// The sum of eight uniform bytes (mean 1020), centred and scaled: near normal, out to 4.9 standard
// deviations.
template <class V>
float fill_value(uint32_t index, const FillKeys& keys, float scale) {
  uint32_t x = (index * 0x9e3779b1u) ^ keys.a;
  x = ((x ^ (x >> 16)) * 0x7feb352du) + keys.b;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  uint32_t y = ((x ^ (x >> 16)) + keys.c) * 0x9e485565u;
  y = (y ^ (y >> 15)) * 0xef1d6b47u;
  const int32_t sum = static_cast<int32_t>(byte_sum<V>(x ^ (x >> 16), y ^ (y >> 16)));
  return static_cast<float>(sum - 1020) * scale;
}

template <class V>
void fill_normal(void* out, DType dtype, uint64_t seed, uint64_t first, size_t n, float std) {
  constexpr size_t kRun = 256;
  constexpr double kDeviation = 209.02153;  // of the sum: sqrt(8 * (256^2 - 1) / 12)
  const float scale = static_cast<float>(std / kDeviation);
  char* at = static_cast<char*>(out);
  for (size_t done = 0; done < n;) {
    const uint64_t index = first + done;
    const uint64_t to_next_keys = (uint64_t{1} << 32) - static_cast<uint32_t>(index);
    size_t run = n - done < kRun ? n - done : kRun;
    if (run > to_next_keys) run = static_cast<size_t>(to_next_keys);
    const FillKeys keys = fill_keys<V>(seed, static_cast<uint32_t>(index >> 32));
    const uint32_t lower = static_cast<uint32_t>(index);

    float values[kRun];
    for (uint32_t i = 0; i < kRun; i++) values[i] = fill_value<V>(lower + i, keys, scale);
    if (dtype == DType::f32) {
      std::memcpy(at, values, run * 4);
    } else {
      uint16_t narrow[kRun];
      if (dtype == DType::f16)
        for (size_t i = 0; i < kRun; i++) narrow[i] = f32_to_f16(values[i]);
      else
        for (size_t i = 0; i < kRun; i++) narrow[i] = f32_to_bf16(values[i]);
      std::memcpy(at, narrow, run * 2);
    }
    at += bytes_of(dtype, run);
    done += run;
  }
}

}  // namespace hyperion
