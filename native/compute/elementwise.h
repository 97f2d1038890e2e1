// The kernels that pass over one token's vector once: sums, products, conversions.
#pragma once

#include "compute/quantized.h"
#include "compute/simd/vec16.h"

namespace hyperion {

template <class V>
void add_bias(const void* bias, DType dtype, size_t n, float* y) {
  with_float_dtype<V>(dtype, [&]<DType D>() {
    each_16<V>(n, [&](size_t i, size_t lanes) {
      const V value = load<V, D>(element<V, D>(bias, i), lanes);
      store(load<V, DType::f32>(y + i, lanes) + value, y + i, lanes);
    });
  });
}

template <class V>
void add(const float* x, size_t n, float* y) {
  add_bias<V>(x, DType::f32, n, y);
}

template <class V>
void multiply(const float* x, size_t n, float* y) {
  each_16<V>(n, [&](size_t i, size_t lanes) {
    store(load<V, DType::f32>(y + i, lanes) * load<V, DType::f32>(x + i, lanes), y + i, lanes);
  });
}

template <class V>
void scale(float factor, size_t n, float* y) {
  const V by = V::broadcast(factor);
  each_16<V>(n, [&](size_t i, size_t lanes) {
    store(load<V, DType::f32>(y + i, lanes) * by, y + i, lanes);
  });
}

template <class V>
void to_f32(const void* in, DType dtype, size_t n, float* out) {
  with_dtype<V>(dtype, [&]<DType D>() {
    if constexpr (is_float(D)) {
      each_16<V>(n, [&](size_t i, size_t lanes) {
        store(load<V, D>(element<V, D>(in, i), lanes), out + i, lanes);
      });
    } else {
      decode<V, D>(in, n, out);
    }
  });
}

}  // namespace hyperion
