// Matrix times vectors for a matrix kept as [in, out]: sixteen results at a time walk down their
// columns, so a result's sum runs over its inputs in order, whatever the tiles.
#pragma once

#include "compute/kernels.h"
#include "compute/simd/vec16.h"

namespace hyperion {

// y[0 .. 16 * N) (the last vector `lanes` wide) = x times the N vectors of columns at `w`.
template <class V, DType D, size_t N>
HYPERION_FLATTEN void column_sums(const void* w, size_t row_bytes, size_t rows, const float* x,
                                  size_t lanes, float* y) {
  V sum[N];
  for (size_t i = 0; i < N; i++) sum[i] = V::broadcast(0.0f);
  for (size_t k = 0; k < rows; k++) {
    const void* row = static_cast<const char*>(w) + k * row_bytes;
    const V input = V::broadcast(x[k]);
    for (size_t i = 0; i < N; i++) {
      const V weights = load<V, D>(element<V, D>(row, 16 * i), i + 1 < N ? 16 : lanes);
      sum[i] = V::fma(weights, input, sum[i]);
    }
  }
  for (size_t i = 0; i < N; i++) store(sum[i], y + 16 * i, i + 1 < N ? 16 : lanes);
}

template <class V>
void matmul_transposed(const Matrix& w, const float* x, size_t x_stride, size_t tokens, float* y,
                       size_t y_stride, size_t col_begin, size_t col_end) {
  with_float_dtype<V>(w.dtype, [&]<DType D>() {
    const size_t row_bytes = bytes_of(D, w.cols);
    constexpr size_t kTile = 16 * V::kHeadTile;
    // The columns of a tile stay in the first- or second-level cache while all tokens pass.
    for (size_t c = col_begin; c < col_end; c += kTile) {
      const size_t columns = col_end - c < kTile ? col_end - c : kTile;
      for (size_t t = 0; t < tokens; t++) {
        const float* in = x + t * x_stride;
        float* out = y + t * y_stride + c;
        if (columns == kTile) {
          column_sums<V, D, V::kHeadTile>(element<V, D>(w.data, c), row_bytes, w.rows, in, 16, out);
          continue;
        }
        for (size_t i = 0; i < columns; i += 16)
          column_sums<V, D, 1>(element<V, D>(w.data, c + i), row_bytes, w.rows, in,
                               columns - i < 16 ? columns - i : 16, out + i);
      }
    }
  });
}

}  // namespace hyperion
