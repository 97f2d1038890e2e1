// The inner loop of matrix products. Each dot product is one vector accumulator walked along the
// row, so results do not depend on how rows, columns and tokens are tiled; tiles exist to read each
// weight from memory once and to keep the multipliers busy.
#pragma once

#include "compute/kernels.h"
#include "compute/simd/vec16.h"

namespace hyperion {

constexpr size_t kRowBlock =
    24;  // rows whose accumulators wait in memory between stretches of columns

// sums[r * T + t] += row r times x + t * x_stride, for r < R, t < T, with all R * T accumulators in
// registers.
template <class V, DType D, size_t R, size_t T>
HYPERION_FLATTEN void dot_tile(const void* w, size_t row_bytes, const float* x, size_t x_stride,
                               size_t width, V* sums) {
  V sum[R][T];
#pragma GCC unroll 16
  for (size_t r = 0; r < R; r++)
#pragma GCC unroll 16
    for (size_t t = 0; t < T; t++) sum[r][t] = sums[r * T + t];

  each_16<V>(width, [&](size_t k, size_t lanes) {
    V row[R];
    for (size_t r = 0; r < R; r++) {
      const char* at = static_cast<const char*>(element<V, D>(w, k)) + r * row_bytes;
      prefetch_rows(at, row_bytes * R);
      row[r] = load<V, D>(at, lanes);
    }
#pragma GCC unroll 16
    for (size_t t = 0; t < T; t++) {
      const V column = load<V, DType::f32>(x + t * x_stride + k, lanes).held();
      for (size_t r = 0; r < R; r++) sum[r][t] = V::fma(row[r], column, sum[r][t]);
    }
  });

#pragma GCC unroll 16
  for (size_t r = 0; r < R; r++)
#pragma GCC unroll 16
    for (size_t t = 0; t < T; t++) sums[r * T + t] = sum[r][t];
}

}  // namespace hyperion
