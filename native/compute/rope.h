// Rotary positions: pairs of a head's numbers turn by the angles of the token's position.
#pragma once

#include "compute/simd/vec16.h"

namespace hyperion {

template <class V>
void rope(float* x, size_t heads, size_t head_dim, size_t pairs, const float* cos,
          const float* sin) {
  for (size_t h = 0; h < heads; h++) {
    float* first = x + h * head_dim;
    float* second = first + pairs;
    each_16<V>(pairs, [&](size_t i, size_t lanes) {
      const V a = load<V, DType::f32>(first + i, lanes), b = load<V, DType::f32>(second + i, lanes);
      const V c = load<V, DType::f32>(cos + i, lanes), s = load<V, DType::f32>(sin + i, lanes);
      store(a * c - b * s, first + i, lanes);
      store(b * c + a * s, second + i, lanes);
    });
  }
}

template <class V>
void rope_interleaved(float* x, size_t heads, size_t head_dim, size_t pairs, const float* cos,
                      const float* sin) {
  for (size_t h = 0; h < heads; h++) {
    float* head = x + h * head_dim;
    each_16<V>(pairs, [&](size_t i, size_t lanes) {
      float first[16] = {}, second[16] = {};
      for (size_t lane = 0; lane < lanes; lane++) {
        first[lane] = head[2 * (i + lane)];
        second[lane] = head[2 * (i + lane) + 1];
      }
      const V a = V::load_f32(first), b = V::load_f32(second);
      const V c = load<V, DType::f32>(cos + i, lanes), s = load<V, DType::f32>(sin + i, lanes);
      (a * c - b * s).store(first);
      (b * c + a * s).store(second);
      for (size_t lane = 0; lane < lanes; lane++) {
        head[2 * (i + lane)] = first[lane];
        head[2 * (i + lane) + 1] = second[lane];
      }
    });
  }
}

}  // namespace hyperion
