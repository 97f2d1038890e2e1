// Normalization of one token's vector, or of one head's.
#pragma once

#include "compute/simd/vec16.h"

namespace hyperion {

template <class V>
HYPERION_FLATTEN void rms_norm(const float* x, const void* weight, DType dtype, float offset,
                               float eps, size_t width, float* y) {
  V squares = V::broadcast(0.0f);
  each_16<V>(width, [&](size_t i, size_t lanes) {
    const V value = load<V, DType::f32>(x + i, lanes);
    squares = V::fma(value, value, squares);
  });
  const float mean = squares.reduce_add() / static_cast<float>(width);
  const V inverse = V::broadcast(1.0f / __builtin_sqrtf(mean + eps));
  const V more = V::broadcast(offset);
  with_float_dtype<V>(dtype, [&]<DType D>() {
    each_16<V>(width, [&](size_t i, size_t lanes) {
      const V normal = load<V, DType::f32>(x + i, lanes) * inverse;
      store(normal * (load<V, D>(element<V, D>(weight, i), lanes) + more), y + i, lanes);
    });
  });
}

template <class V>
HYPERION_FLATTEN void layer_norm(const float* x, const void* weight, DType dtype, float eps,
                                 size_t width, float* y) {
  V sum = V::broadcast(0.0f);
  each_16<V>(width, [&](size_t i, size_t lanes) { sum = sum + load<V, DType::f32>(x + i, lanes); });
  const V mean = V::broadcast(sum.reduce_add() / static_cast<float>(width));
  V squares = V::broadcast(0.0f);
  each_16<V>(width, [&](size_t i, size_t lanes) {
    store(load<V, DType::f32>(x + i, lanes) - mean, y + i, lanes);
    // Loaded again, because the lanes past the end must count as 0 and not as -mean.
    const V difference = load<V, DType::f32>(y + i, lanes);
    squares = V::fma(difference, difference, squares);
  });
  const float variance = squares.reduce_add() / static_cast<float>(width);
  const V inverse = V::broadcast(1.0f / __builtin_sqrtf(variance + eps));
  with_float_dtype<V>(dtype, [&]<DType D>() {
    each_16<V>(width, [&](size_t i, size_t lanes) {
      const V normal = load<V, DType::f32>(y + i, lanes) * inverse;
      store(normal * load<V, D>(element<V, D>(weight, i), lanes), y + i, lanes);
    });
  });
}

}  // namespace hyperion
