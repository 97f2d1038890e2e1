// Matrix times vectors for quantized weights, which are read as they are stored. The sums are those
// of compute/matmul.h over the values that blocks decode to.
#pragma once

#include "compute/matmul_tile.h"
#include "compute/quantized.h"

namespace hyperion {

// Tokens that share the work of decoding, and columns that are decoded for them at a time: their
// inputs stay in the first-level cache while the rows pass.
constexpr size_t kDecodedTokens = 24;
constexpr size_t kDecodedColumns = 256;

// One token: y[r] = dot(row r, x) for r < R; weights go from memory to registers.
template <class V, DType D, size_t R>
HYPERION_FLATTEN void dot_blocks(const uint8_t* w, size_t row_bytes, const float* x, size_t width,
                                 float* y) {
  constexpr Block block = block_of(D);
  V sum[R];
  for (size_t r = 0; r < R; r++) sum[r] = V::broadcast(0.0f);
  for (size_t k = 0; k < width; k += block.elements, w += block.bytes) {
    for (size_t r = 0; r < R; r++) {
      const uint8_t* const at = w + r * row_bytes;
      for (size_t line = 0; line < block.bytes; line += 64)
        prefetch_rows(reinterpret_cast<const char*>(at) + line, row_bytes * R);
      const Quantized<V, D> weights(at);
#pragma GCC unroll 16
      for (size_t i = 0; i < block.elements / 16; i++)
        sum[r] = V::fma(weights.at(i), V::load_f32(x + k + 16 * i), sum[r]);
    }
  }
  for (size_t r = 0; r < R; r++) y[r] = sum[r].reduce_add();
}

// sums += R decoded rows times up to T tokens.
template <class V, size_t R, size_t T>
void dot_decoded(size_t tokens, const float* decoded, size_t columns, const float* x,
                 size_t x_stride, V* sums) {
  if constexpr (T > 1) {
    if (tokens < T) {
      return dot_decoded<V, R, T - 1>(tokens, decoded, columns, x, x_stride, sums);
    }
  }
  dot_tile<V, DType::f32, R, T>(decoded, kDecodedColumns * sizeof(float), x, x_stride, columns,
                                sums);
}

// f(token, count) for tiles of tokens.
template <class V, class F>
void each_token_tile(size_t tokens, F f) {
  for (size_t t = 0; t < tokens; t += V::kTileTokens)
    f(t, tokens - t < V::kTileTokens ? tokens - t : V::kTileTokens);
}

// sums += R rows times tokens, where the sums of a tile of tokens lie together.
template <class V, DType D, size_t R>
void dot_stretch(const uint8_t* w, size_t row_bytes, size_t columns, const float* x,
                 size_t x_stride, size_t tokens, V* sums) {
  float decoded[R * kDecodedColumns];
  for (size_t r = 0; r < R; r++)
    decode<V, D>(w + r * row_bytes, columns, decoded + r * kDecodedColumns);
  each_token_tile<V>(tokens, [&](size_t t, size_t count) {
    dot_decoded<V, R, V::kTileTokens>(count, decoded, columns, x + t * x_stride, x_stride,
                                      sums + t * R);
  });
}

// f.template operator()<R>(row) for tiles of rows.
template <class V, size_t R, class F>
void each_row_tile(size_t rows, F f) {
  size_t r = 0;
  for (; r + R <= rows; r += R) f.template operator()<R>(r);
  for (; r < rows; r++) f.template operator()<1>(r);
}

// REQUIRES rows <= kRowBlock, tokens <= kDecodedTokens.
template <class V, DType D>
void dot_row_block(const uint8_t* w, size_t row_bytes, size_t rows, const float* x, size_t x_stride,
                   size_t tokens, size_t width, float* y, size_t y_stride) {
  V sums[kRowBlock * kDecodedTokens];
  for (size_t i = 0; i < rows * tokens; i++) sums[i] = V::broadcast(0.0f);
  for (size_t k = 0; k < width; k += kDecodedColumns) {
    const size_t columns = width - k < kDecodedColumns ? width - k : kDecodedColumns;
    each_row_tile<V, V::tile_rows(V::kTileTokens)>(rows, [&]<size_t R>(size_t r) {
      dot_stretch<V, D, R>(w + r * row_bytes + bytes_of(D, k), row_bytes, columns, x + k, x_stride,
                           tokens, sums + r * tokens);
    });
  }
  each_row_tile<V, V::tile_rows(V::kTileTokens)>(rows, [&]<size_t R>(size_t r) {
    each_token_tile<V>(tokens, [&](size_t t, size_t count) {
      const V* tile = sums + r * tokens + t * R;
      for (size_t i = 0; i < R * count; i++)
        y[(t + i % count) * y_stride + r + i / count] = tile[i].reduce_add();
    });
  });
}

template <class V, DType D>
void matmul_quantized(const Matrix& w, const float* x, size_t x_stride, size_t tokens, float* y,
                      size_t y_stride, size_t row_begin, size_t row_end) {
  const size_t row_bytes = bytes_of(D, w.cols);
  for (size_t r = row_begin; r < row_end; r += kRowBlock) {
    const uint8_t* rows = static_cast<const uint8_t*>(w.data) + r * row_bytes;
    const size_t count = row_end - r < kRowBlock ? row_end - r : kRowBlock;
    for (size_t t = 0; t < tokens; t += kDecodedTokens) {
      const size_t left = tokens - t < kDecodedTokens ? tokens - t : kDecodedTokens;
      const float* from = x + t * x_stride;
      float* to = y + t * y_stride + r;
      if (left > 1) {
        dot_row_block<V, D>(rows, row_bytes, count, from, x_stride, left, w.cols, to, y_stride);
      } else {
        each_row_tile<V, V::kBlockRows>(count, [&]<size_t R>(size_t first) {
          dot_blocks<V, D, R>(rows + first * row_bytes, row_bytes, from, w.cols, to + first);
        });
      }
    }
  }
}

}  // namespace hyperion
