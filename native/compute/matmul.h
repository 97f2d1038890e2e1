// Matrix times vectors for weights that stand alone; those in quantized blocks are in
// compute/matmul_quantized.h.
#pragma once

#include "compute/matmul_quantized.h"
#include "compute/matmul_tile.h"

namespace hyperion {

constexpr size_t kStretch =
    512;  // columns of a token tile that the first-level cache holds beside the weights

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
    dot_rows<V, D, V::tile_rows(T), T>(w, row_bytes, rows, x, x_stride, width, kStretch, y, y_stride);
}

template <class V, DType D>
void matmul_floats(const Matrix& w, const float* x, size_t x_stride, size_t tokens, float* y,
                   size_t y_stride, size_t row_begin, size_t row_end) {
  const size_t row_bytes = bytes_of(D, w.cols);
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
}

template <class V>
void matmul(const Matrix& w, const float* x, size_t x_stride, size_t tokens, float* y,
            size_t y_stride, size_t row_begin, size_t row_end) {
  with_dtype<V>(w.dtype, [&]<DType D>() {
    if constexpr (is_float(D))
      matmul_floats<V, D>(w, x, x_stride, tokens, y, y_stride, row_begin, row_end);
    else
      matmul_quantized<V, D>(w, x, x_stride, tokens, y, y_stride, row_begin, row_end);
  });
}

}  // namespace hyperion
