// Softmax attention of one query head over a KV cache kept in blocks, as floats or as bytes with a
// scale.
#pragma once

#include "compute/activation.h"
#include "compute/elementwise.h"
#include "compute/matmul.h"
#include "compute/simd/exp.h"

namespace hyperion {

// What a row of one head is in each type of cache: its dot products with a query, and its numbers,
// each of which is value() times factor().
template <class V>
struct FloatRows {
  static void dot(const char* rows, size_t stride, size_t count, const float* q, size_t head_dim,
                  float* scores) {
    dot_rows<V, DType::f32>(rows, stride, count, q, head_dim, scores);
  }
  static float factor(const char*) { return 1; }
  static V value(const char* row, size_t index, size_t lanes) {
    return load<V, DType::f32>(row + index * sizeof(float), lanes);
  }
};

// A scale, then signed bytes.
template <class V>
struct ScaledByteRows {
  static float factor(const char* row) {
    float scale;
    std::memcpy(&scale, row, sizeof scale);
    return scale;
  }
  static V value(const char* row, size_t index, size_t lanes) {
    const char* at = row + sizeof(float) + index;
    uint8_t padded[16] = {};
    if (lanes < 16) std::memcpy(padded, at, lanes);
    return V::from_i8(load_bytes(lanes < 16 ? padded : reinterpret_cast<const uint8_t*>(at)));
  }
  static void dot(const char* rows, size_t stride, size_t count, const float* q, size_t head_dim,
                  float* scores) {
    size_t r = 0;
    for (; r + V::kBlockRows <= count; r += V::kBlockRows)
      dot_some<V::kBlockRows>(rows + r * stride, stride, q, head_dim, scores + r);
    for (; r < count; r++) dot_some<1>(rows + r * stride, stride, q, head_dim, scores + r);
  }

 private:
  template <size_t R>
  HYPERION_FLATTEN static void dot_some(const char* rows, size_t stride, const float* q,
                                        size_t head_dim, float* scores) {
    V sum[R];
    for (size_t r = 0; r < R; r++) sum[r] = V::broadcast(0.0f);
    each_16<V>(head_dim, [&](size_t i, size_t lanes) {
      const V query = load<V, DType::f32>(q + i, lanes);
      for (size_t r = 0; r < R; r++)
        sum[r] = V::fma(value(rows + r * stride, i, lanes), query, sum[r]);
    });
    for (size_t r = 0; r < R; r++) scores[r] = sum[r].reduce_add() * factor(rows + r * stride);
  }
};

// f(block, row, rows, done) for the run of rows that positions [first, first + count) cover in each
// block; `done` positions come before it.
template <class V, class F>
void each_block(size_t block_positions, size_t first, size_t count, F f) {
  for (size_t done = 0; done < count;) {
    const size_t position = first + done;
    const size_t row = position % block_positions;
    const size_t rows = block_positions - row < count - done ? block_positions - row : count - done;
    f(position / block_positions, row, rows, done);
    done += rows;
  }
}

// scores = exp(scale * scores - their maximum); returns their sum.
template <class V>
HYPERION_FLATTEN float softmax_numerators(float* scores, size_t count, float scale) {
  const V factor = V::broadcast(scale);
  V top = V::broadcast(-__builtin_inff());
  each_16<V>(count, [&](size_t i, size_t lanes) {
    store(load<V, DType::f32>(scores + i, lanes) * factor, scores + i, lanes);
    // The lanes past the end repeat the first score of the run: zeros could exceed every real one.
    float run[16];
    for (size_t lane = 0; lane < 16; lane++) run[lane] = scores[i + (lane < lanes ? lane : 0)];
    top = V::max(top, V::load_f32(run));
  });
  const V maximum = V::broadcast(top.reduce_max());

  V sum = V::broadcast(0.0f);
  each_16<V>(count, [&](size_t i, size_t lanes) {
    store(exp(load<V, DType::f32>(scores + i, lanes) - maximum), scores + i, lanes);
    sum = sum + load<V, DType::f32>(scores + i, lanes);
  });
  return sum.reduce_add();
}

// out[0 .. 16 * N) (the last vector `lanes` wide) = sum over positions of weight * v, divided by
// `total`.
template <class V, class Rows, size_t N>
HYPERION_FLATTEN void weighted_values(const float* weights, float total,
                                      const void* const* v_blocks, size_t block_positions,
                                      size_t stride, size_t first, size_t count, size_t offset,
                                      size_t lanes, float* out) {
  V sum[N];
  for (size_t i = 0; i < N; i++) sum[i] = V::broadcast(0.0f);
  each_block<V>(block_positions, first, count,
                [&](size_t block, size_t row, size_t rows, size_t done) {
                  const char* v = static_cast<const char*>(v_blocks[block]) + row * stride;
                  for (size_t p = 0; p < rows; p++, v += stride) {
                    const V weight = V::broadcast(weights[done + p] * Rows::factor(v));
                    for (size_t i = 0; i < N; i++) {
                      const V value = Rows::value(v, offset + 16 * i, i + 1 < N ? 16 : lanes);
                      sum[i] = V::fma(weight, value, sum[i]);
                    }
                  }
                });
  const V divisor = V::broadcast(total);
  for (size_t i = 0; i < N; i++)
    store(sum[i] / divisor, out + offset + 16 * i, i + 1 < N ? 16 : lanes);
}

template <class V, class Rows>
void attention(const float* q, const void* const* k_blocks, const void* const* v_blocks,
               size_t block_positions, size_t stride, size_t first, size_t count, size_t head_dim,
               float scale, float cap, float* scores, float* out) {
  each_block<V>(block_positions, first, count,
                [&](size_t block, size_t row, size_t rows, size_t done) {
                  const char* k = static_cast<const char*>(k_blocks[block]) + row * stride;
                  Rows::dot(k, stride, rows, q, head_dim, scores + done);
                });
  if (cap > 0) {
    hyperion::scale<V>(scale, count, scores);
    softcap<V>(cap, count, scores);
    scale = 1;
  }
  const float total = softmax_numerators<V>(scores, count, scale);

  constexpr size_t kTile = 16 * V::kHeadTile;
  size_t d = 0;
  for (; d + kTile <= head_dim; d += kTile)
    weighted_values<V, Rows, V::kHeadTile>(scores, total, v_blocks, block_positions, stride, first,
                                           count, d, 16, out);
  for (; d < head_dim; d += 16)
    weighted_values<V, Rows, 1>(scores, total, v_blocks, block_positions, stride, first, count, d,
                                head_dim - d < 16 ? head_dim - d : 16, out);
}

}  // namespace hyperion
