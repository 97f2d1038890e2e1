// Matrix times vectors. Each dot product is one vector accumulator walked along the row, so results
// do not depend on how rows, columns and tokens are tiled; tiles exist to read each weight from
// memory once and to keep the multipliers busy.
#pragma once

#include "compute/kernels.h"
#include "compute/simd/vec16.h"

namespace hyperion {

constexpr size_t kRowBlock =
    32;  // rows whose accumulators wait in memory between stretches of columns
constexpr size_t kStretch =
    512;  // columns of a token tile that the first-level cache holds beside the weights

// sums[r * T + t] += row r times x + t * x_stride, for r < R, t < T, with all R * T accumulators in
// registers.
template <class V, DType D, size_t R, size_t T>
HYPERION_FLATTEN void dot_tile(const void* w, size_t row_bytes, const float* x, size_t x_stride,
                               size_t width, V* sums) {
  V sum[R][T];
  for (size_t r = 0; r < R; r++)
    for (size_t t = 0; t < T; t++) sum[r][t] = sums[r * T + t];

  each_16<V>(width, [&](size_t k, size_t lanes) {
    V row[R];
    for (size_t r = 0; r < R; r++) {
      const char* at = static_cast<const char*>(element<V, D>(w, k)) + r * row_bytes;
      if constexpr (T == 1) prefetch_rows(at, row_bytes * R);
      row[r] = load<V, D>(at, lanes);
    }
    for (size_t t = 0; t < T; t++) {
      const V column = load<V, DType::f32>(x + t * x_stride + k, lanes);
      for (size_t r = 0; r < R; r++) sum[r][t] = V::fma(row[r], column, sum[r][t]);
    }
  });

  for (size_t r = 0; r < R; r++)
    for (size_t t = 0; t < T; t++) sums[r * T + t] = sum[r][t];
}

// y[t * y_stride + r] = dot(row r, x + t * x_stride) for t < T and any number of rows.
// Columns are taken `stretch` at a time, for which T tokens stay in the first-level cache while the
// rows pass.
template <class V, DType D, size_t R, size_t T>
void dot_rows(const void* w, size_t row_bytes, size_t rows, const float* x, size_t x_stride,
              size_t width, size_t stretch, float* y, size_t y_stride) {
  for (size_t begin = 0; begin < rows; begin += kRowBlock) {
    const size_t count = rows - begin < kRowBlock ? rows - begin : kRowBlock;
    V sums[kRowBlock * T];
    for (size_t i = 0; i < count * T; i++) sums[i] = V::broadcast(0.0f);

    for (size_t k = 0; k < width; k += stretch) {
      const size_t columns = width - k < stretch ? width - k : stretch;
      const char* row = static_cast<const char*>(element<V, D>(w, k)) + begin * row_bytes;
      size_t r = 0;
      for (; r + R <= count; r += R)
        dot_tile<V, D, R, T>(row + r * row_bytes, row_bytes, x + k, x_stride, columns,
                             sums + r * T);
      for (; r < count; r++)
        dot_tile<V, D, 1, T>(row + r * row_bytes, row_bytes, x + k, x_stride, columns,
                             sums + r * T);
    }

    for (size_t r = 0; r < count; r++)
      for (size_t t = 0; t < T; t++) y[t * y_stride + begin + r] = sums[r * T + t].reduce_add();
  }
}

// One token: whole rows, each read once and in step with memory.
template <class V, DType D>
void dot_rows(const void* w, size_t row_bytes, size_t rows, const float* x, size_t width,
              float* y) {
  dot_rows<V, D, V::kDecodeRows, 1>(w, row_bytes, rows, x, 0, width, width, y, 0);
}

// Up to T tokens: the tile that is just wide enough.
template <class V, DType D, size_t T>
void dot_tokens(size_t tokens, const void* w, size_t row_bytes, size_t rows, const float* x,
                size_t x_stride, size_t width, float* y, size_t y_stride) {
  if constexpr (T == 1)
    return dot_rows<V, D>(w, row_bytes, rows, x, width, y);
  else if (tokens < T)
    return dot_tokens<V, D, T - 1>(tokens, w, row_bytes, rows, x, x_stride, width, y, y_stride);
  else
    dot_rows<V, D, V::kTileRows, T>(w, row_bytes, rows, x, x_stride, width, kStretch, y, y_stride);
}

template <class V>
void matmul(const Matrix& w, const float* x, size_t x_stride, size_t tokens, float* y,
            size_t y_stride, size_t row_begin, size_t row_end) {
  const size_t row_bytes = bytes_of(w.dtype, w.cols);
  with_dtype<V>(w.dtype, [&]<DType D>() {
    // A block of rows stays in the second-level cache while all tokens pass over it.
    for (size_t r = row_begin; r < row_end; r += kRowBlock) {
      const void* rows = static_cast<const char*>(w.data) + r * row_bytes;
      const size_t count = row_end - r < kRowBlock ? row_end - r : kRowBlock;
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
