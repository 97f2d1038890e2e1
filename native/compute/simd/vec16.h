// What the kernels need beyond a back end's sixteen lanes: loads by element type, and ranges that
// end between vectors.
//
// V is one of Vec16Scalar, Vec16Avx2, Vec16Avx512. Kernels are templates over V and call nothing
// inline that other files share (std::min and the like): the linker could keep the copy that was
// compiled for AVX-512.
#pragma once

#include <cstddef>

#include "compute/dtype.h"

// For functions whose lambdas work on accumulators: inlined or not, they are right, but only
// inlined do the accumulators stay in registers.
#define HYPERION_FLATTEN [[gnu::flatten]]

namespace hyperion {

template <class V, DType D>
V load(const void* in) {
  if constexpr (D == DType::f32) return V::load_f32(in);
  if constexpr (D == DType::f16) return V::load_f16(in);
  if constexpr (D == DType::bf16) return V::load_bf16(in);
}

// The element `index` of an array of D, as an address: weights may be unaligned, so never as a
// typed pointer.
template <class V, DType D>
const void* element(const void* base, size_t index) {
  return static_cast<const char*>(base) + bytes_of(D, index);
}

// Lanes [0, lanes) from memory, the others 0. Reads nothing beyond them. REQUIRES 1 <= lanes <= 16.
template <class V, DType D>
V load(const void* in, size_t lanes) {
  if (lanes == 16) return load<V, D>(in);
  alignas(64) char padded[64] = {};
  std::memcpy(padded, in, bytes_of(D, lanes));
  return load<V, D>(padded);
}

template <class V>
void store(const V& v, float* out, size_t lanes) {
  if (lanes == 16) return v.store(out);
  float all[16];
  v.store(all);
  std::memcpy(out, all, lanes * sizeof(float));
}

// For rows that are each read once: the next `tile_bytes` further on come into the second-level
// cache, because the processor's own prefetcher stops at every page, and what this row needs soon
// into the first.
static inline void prefetch_rows(const char* at, size_t tile_bytes) {
  __builtin_prefetch(at + tile_bytes, 0, 2);
  __builtin_prefetch(at + 512, 0, 3);
}

// f(index, lanes) for consecutive runs of sixteen and one shorter run at the end.
template <class V, class F>
void each_16(size_t n, F f) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) f(i, size_t{16});
  if (i < n) f(i, n - i);
}

// f.template operator()<D>() with the run-time element type as a compile-time constant.
// REQUIRES is_float(dtype).
template <class V, class F>
void with_float_dtype(DType dtype, F f) {
  switch (dtype) {
    case DType::f32:
      return f.template operator()<DType::f32>();
    case DType::f16:
      return f.template operator()<DType::f16>();
    case DType::bf16:
      return f.template operator()<DType::bf16>();
    default:
      return;
  }
}

// The same for every type that is computed with. REQUIRES dtype != DType::data.
template <class V, class F>
void with_dtype(DType dtype, F f) {
  switch (dtype) {
    case DType::q4_0:
      return f.template operator()<DType::q4_0>();
    case DType::q4_1:
      return f.template operator()<DType::q4_1>();
    case DType::q5_0:
      return f.template operator()<DType::q5_0>();
    case DType::q5_1:
      return f.template operator()<DType::q5_1>();
    case DType::q8_0:
      return f.template operator()<DType::q8_0>();
    case DType::q2_k:
      return f.template operator()<DType::q2_k>();
    case DType::q3_k:
      return f.template operator()<DType::q3_k>();
    case DType::q4_k:
      return f.template operator()<DType::q4_k>();
    case DType::q5_k:
      return f.template operator()<DType::q5_k>();
    case DType::q6_k:
      return f.template operator()<DType::q6_k>();
    default:
      return with_float_dtype<V>(dtype, f);
  }
}

}  // namespace hyperion
