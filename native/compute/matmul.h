// Matrix times vectors. Each dot product is one vector accumulator walked along the row, so results
// do not depend on how rows and tokens are tiled; tiles exist to read each weight from memory once
// and to keep the multipliers busy.
#pragma once

#include "compute/kernels.h"
#include "compute/simd/vec16.h"

namespace hyperion {

// y[t * y_stride + r] = dot(row r, x + t * x_stride), r < R, t < T, all R * T accumulators in
// registers.
template <class V, DType D, size_t R, size_t T>
void dot_tile(const void* w, size_t row_bytes, const float* x, size_t x_stride, size_t width,
              float* y, size_t y_stride) {
  V sum[R][T];
  for (size_t r = 0; r < R; r++)
    for (size_t t = 0; t < T; t++) sum[r][t] = V::broadcast(0.0f);

  each_16<V>(width, [&](size_t k, size_t lanes) {
    V row[R];
    for (size_t r = 0; r < R; r++) {
      const char* at = static_cast<const char*>(element<V, D>(w, k)) + r * row_bytes;
      row[r] = load<V, D>(at, lanes);
    }
    for (size_t t = 0; t < T; t++) {
      const V column = load<V, DType::f32>(x + t * x_stride + k, lanes);
      for (size_t r = 0; r < R; r++) sum[r][t] = V::fma(row[r], column, sum[r][t]);
    }
  });

  for (size_t r = 0; r < R; r++)
    for (size_t t = 0; t < T; t++) y[t * y_stride + r] = sum[r][t].reduce_add();
}

// dot_tile for any number of rows: R at a time, then singly.
template <class V, DType D, size_t R, size_t T>
void dot_rows(const void* w, size_t row_bytes, size_t rows, const float* x, size_t x_stride,
              size_t width, float* y, size_t y_stride) {
  const char* row = static_cast<const char*>(w);
  size_t r = 0;
  for (; r + R <= rows; r += R)
    dot_tile<V, D, R, T>(row + r * row_bytes, row_bytes, x, x_stride, width, y + r, y_stride);
  for (; r < rows; r++)
    dot_tile<V, D, 1, T>(row + r * row_bytes, row_bytes, x, x_stride, width, y + r, y_stride);
}

// dot_rows for any number of tokens up to T: the tile that is just wide enough.
template <class V, DType D, size_t T>
void dot_tokens(size_t tokens, const void* w, size_t row_bytes, size_t rows, const float* x,
                size_t x_stride, size_t width, float* y, size_t y_stride) {
  constexpr size_t R = T == 1 ? V::kDecodeRows : V::kTileRows;
  if constexpr (T > 1) {
    if (tokens < T)
      return dot_tokens<V, D, T - 1>(tokens, w, row_bytes, rows, x, x_stride, width, y, y_stride);
  }
  dot_rows<V, D, R, T>(w, row_bytes, rows, x, x_stride, width, y, y_stride);
}

template <class V>
void matmul(const Matrix& w, const float* x, size_t x_stride, size_t tokens, float* y,
            size_t y_stride, size_t row_begin, size_t row_end) {
  // A block of rows stays in the second-level cache while all tokens pass over it.
  constexpr size_t kBlockBytes = size_t{256} << 10;
  const size_t row_bytes = w.cols * dtype_size(w.dtype);
  const size_t fitting = row_bytes == 0 ? 0 : kBlockBytes / row_bytes;
  const size_t block =
      fitting < V::kDecodeRows ? V::kDecodeRows : fitting / V::kDecodeRows * V::kDecodeRows;

  with_dtype<V>(w.dtype, [&]<DType D>() {
    for (size_t r = row_begin; r < row_end; r += block) {
      const void* rows = static_cast<const char*>(w.data) + r * row_bytes;
      const size_t count = row_end - r < block ? row_end - r : block;
      for (size_t t = 0; t < tokens; t += V::kTileTokens) {
        const size_t left = tokens - t;
        dot_tokens<V, D, V::kTileTokens>(left < V::kTileTokens ? left : V::kTileTokens, rows,
                                         row_bytes, count, x + t * x_stride, x_stride, w.cols,
                                         y + t * y_stride + r, y_stride);
      }
    }
  });
}

}  // namespace hyperion
