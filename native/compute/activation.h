// The functions between matrices, one number at a time: gates of feed-forward layers and soft caps.
#pragma once

#include "compute/simd/exp.h"
#include "compute/simd/vec16.h"

namespace hyperion {

// y = f(y), lane by lane.
template <class V, class F>
void each_value(size_t n, float* y, F f) {
  each_16<V>(n, [&](size_t i, size_t lanes) {
    store(f(load<V, DType::f32>(y + i, lanes)), y + i, lanes);
  });
}

template <class V>
V sigmoid_times(const V& factor, const V& x) {
  const V zero = V::broadcast(0.0f), one = V::broadcast(1.0f);
  return factor / (one + exp(zero - x));
}

template <class V>
void silu(size_t n, float* y) {
  each_value<V>(n, y, [](const V& x) { return sigmoid_times(x, x); });
}

// x (1 + tanh(u)) / 2 = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3).
template <class V>
void gelu_tanh(size_t n, float* y) {
  const V linear = V::broadcast(1.5957691216057308f);             // 2 sqrt(2 / pi)
  const V cubic = V::broadcast(0.044715f * 1.5957691216057308f);  // times x^3
  each_value<V>(n, y,
                [&](const V& x) { return sigmoid_times(x, x * V::fma(cubic, x * x, linear)); });
}

// erfc(t) for t >= 0, within 1.5e-7. The polynomial is a least-squares fit of -log(erfc(t)) / t on
// [0, 9.2], weighted so that its errors in t erfc(t) are level; beyond, erfc(t) < 1e-38.
template <class V>
V erfc(V t) {
  t = V::min(V::broadcast(9.2f), t);
  V p = V::broadcast(-2.35537509e-08f);
  p = V::fma(p, t, V::broadcast(8.76463503e-07f));
  p = V::fma(p, t, V::broadcast(-1.35653327e-05f));
  p = V::fma(p, t, V::broadcast(0.000113606045f));
  p = V::fma(p, t, V::broadcast(-0.000552999089f));
  p = V::fma(p, t, V::broadcast(0.00142241421f));
  p = V::fma(p, t, V::broadcast(0.000201843504f));
  p = V::fma(p, t, V::broadcast(-0.0194458086f));
  p = V::fma(p, t, V::broadcast(0.102906018f));
  p = V::fma(p, t, V::broadcast(0.636591792f));
  p = V::fma(p, t, V::broadcast(1.12838137f));
  return exp(V::broadcast(0.0f) - p * t);
}

// x (1 + erf(x / sqrt(2))) / 2 = max(x, 0) - |x| erfc(|x| / sqrt(2)) / 2.
template <class V>
void gelu_erf(size_t n, float* y) {
  const V zero = V::broadcast(0.0f), half = V::broadcast(0.5f);
  const V root = V::broadcast(0.70710678118654752f);
  each_value<V>(n, y, [&](const V& x) {
    const V magnitude = V::max(x, zero - x);
    return V::max(x, zero) - half * magnitude * erfc(magnitude * root);
  });
}

// y = cap tanh(y / cap), tanh(z) = 1 - 2 / (e^2z + 1).
template <class V>
void softcap(float cap, size_t n, float* y) {
  const V one = V::broadcast(1.0f), two = V::broadcast(2.0f);
  const V limit = V::broadcast(cap), twice = V::broadcast(2.0f / cap);
  each_value<V>(n, y, [&](const V& x) { return limit * (one - two / (exp(x * twice) + one)); });
}

}  // namespace hyperion
