// Softmax attention of one query head over a KV cache kept in blocks.
#pragma once

#include "compute/activation.h"
#include "compute/elementwise.h"
#include "compute/matmul.h"
#include "compute/simd/exp.h"

namespace hyperion {

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
template <class V, size_t N>
HYPERION_FLATTEN void weighted_values(const float* weights, float total,
                                      const float* const* v_blocks, size_t block_positions,
                                      size_t stride, size_t first, size_t count, size_t offset,
                                      size_t lanes, float* out) {
  V sum[N];
  for (size_t i = 0; i < N; i++) sum[i] = V::broadcast(0.0f);
  each_block<V>(block_positions, first, count,
                [&](size_t block, size_t row, size_t rows, size_t done) {
                  const float* v = v_blocks[block] + row * stride + offset;
                  for (size_t p = 0; p < rows; p++, v += stride) {
                    const V weight = V::broadcast(weights[done + p]);
                    for (size_t i = 0; i < N; i++) {
                      const V value = load<V, DType::f32>(v + 16 * i, i + 1 < N ? 16 : lanes);
                      sum[i] = V::fma(weight, value, sum[i]);
                    }
                  }
                });
  const V divisor = V::broadcast(total);
  for (size_t i = 0; i < N; i++)
    store(sum[i] / divisor, out + offset + 16 * i, i + 1 < N ? 16 : lanes);
}

template <class V>
void attention(const float* q, const float* const* k_blocks, const float* const* v_blocks,
               size_t block_positions, size_t stride, size_t first, size_t count, size_t head_dim,
               float scale, float cap, float* scores, float* out) {
  each_block<V>(block_positions, first, count,
                [&](size_t block, size_t row, size_t rows, size_t done) {
                  dot_rows<V, DType::f32>(k_blocks[block] + row * stride, stride * sizeof(float),
                                          rows, q, head_dim, scores + done);
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
    weighted_values<V, V::kHeadTile>(scores, total, v_blocks, block_positions, stride, first, count,
                                     d, 16, out);
  for (; d < head_dim; d += 16)
    weighted_values<V, 1>(scores, total, v_blocks, block_positions, stride, first, count, d,
                          head_dim - d < 16 ? head_dim - d : 16, out);
}

}  // namespace hyperion
