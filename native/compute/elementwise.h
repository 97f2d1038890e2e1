// The kernels that pass over one token's vector: normalization, rotary positions, gates, sums,
// conversions.
#pragma once

#include "compute/quantized.h"
#include "compute/simd/exp.h"
#include "compute/simd/vec16.h"

namespace hyperion {

template <class V>
HYPERION_FLATTEN void rms_norm(const float* x, const void* weight, DType dtype, float eps,
                               size_t width, float* y) {
  V squares = V::broadcast(0.0f);
  each_16<V>(width, [&](size_t i, size_t lanes) {
    const V value = load<V, DType::f32>(x + i, lanes);
    squares = V::fma(value, value, squares);
  });
  const float mean = squares.reduce_add() / static_cast<float>(width);
  const V inverse = V::broadcast(1.0f / __builtin_sqrtf(mean + eps));
  with_float_dtype<V>(dtype, [&]<DType D>() {
    each_16<V>(width, [&](size_t i, size_t lanes) {
      const V normal = load<V, DType::f32>(x + i, lanes) * inverse;
      store(normal * load<V, D>(element<V, D>(weight, i), lanes), y + i, lanes);
    });
  });
}

template <class V>
void rope(float* x, size_t heads, size_t head_dim, const float* cos, const float* sin) {
  const size_t half = head_dim / 2;
  for (size_t h = 0; h < heads; h++) {
    float* first = x + h * head_dim;
    float* second = first + half;
    each_16<V>(half, [&](size_t i, size_t lanes) {
      const V a = load<V, DType::f32>(first + i, lanes), b = load<V, DType::f32>(second + i, lanes);
      const V c = load<V, DType::f32>(cos + i, lanes), s = load<V, DType::f32>(sin + i, lanes);
      store(a * c - b * s, first + i, lanes);
      store(b * c + a * s, second + i, lanes);
    });
  }
}

template <class V>
void swiglu(const float* gate, const float* up, size_t n, float* out) {
  const V zero = V::broadcast(0.0f), one = V::broadcast(1.0f);
  each_16<V>(n, [&](size_t i, size_t lanes) {
    const V g = load<V, DType::f32>(gate + i, lanes);
    store(g / (one + exp(zero - g)) * load<V, DType::f32>(up + i, lanes), out + i, lanes);
  });
}

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
