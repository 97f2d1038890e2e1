// The arithmetic of inference: one table of functions per instruction set, chosen when the process
// starts.
//
// Every table gives the same bits (NaN payloads aside): a sum is always sixteen float lanes walked
// in order with fused multiply-adds and folded in one fixed order, whatever registers the processor
// has. Kernels keep no state and allocate nothing; they may run on any number of threads at once.
// Weights (`const void*`) may be unaligned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "compute/dtype.h"

namespace hyperion {

// A row-major matrix [rows, cols] of weights that someone else keeps alive.
struct Matrix {
  const void* data;
  DType dtype;
  size_t rows, cols;
};

struct Kernels {
  const char* name;  // "scalar", "avx2" or "avx512"

  // y[t * y_stride + r] = dot(W[r], x + t * x_stride) for rows r in [row_begin, row_end) and t in
  // [0, tokens). ENSURES each result depends on its own row and token only: not on the range, on
  // `tokens` or on threads.
  void (*matmul)(const Matrix& w, const float* x, size_t x_stride, size_t tokens, float* y,
                 size_t y_stride, size_t row_begin, size_t row_end);

  // The same for a matrix kept as [in, out]: y[t * y_stride + c] is the dot product of column c,
  // for c in [col_begin, col_end).
  void (*matmul_transposed)(const Matrix& w, const float* x, size_t x_stride, size_t tokens,
                            float* y, size_t y_stride, size_t col_begin, size_t col_end);

  // One vector: y = x / sqrt(mean(x^2) + eps) * (weight + offset). y may be x.
  void (*rms_norm)(const float* x, const void* weight, DType dtype, float offset, float eps,
                   size_t width, float* y);

  // One vector: y = (x - mean(x)) / sqrt(variance(x) + eps) * weight. y may be x.
  void (*layer_norm)(const float* x, const void* weight, DType dtype, float eps, size_t width,
                     float* y);

  // One token, in place: of each head's first 2 * pairs numbers the pair (x[i], x[i + pairs]) turns
  // by the angle whose cos[i] and sin[i] are given (the rotate-half convention of Hugging Face).
  // REQUIRES 2 * pairs <= head_dim.
  void (*rope)(float* x, size_t heads, size_t head_dim, size_t pairs, const float* cos,
               const float* sin);

  // The same for pairs (x[2i], x[2i + 1]) (the convention of GGUF's Llama).
  void (*rope_interleaved)(float* x, size_t heads, size_t head_dim, size_t pairs, const float* cos,
                           const float* sin);

  // y = f(y), number by number.
  void (*silu)(size_t n, float* y);       // y sigmoid(y)
  void (*gelu_tanh)(size_t n, float* y);  // y (1 + tanh(sqrt(2 / pi) (y + 0.044715 y^3))) / 2
  void (*gelu_erf)(size_t n, float* y);   // y (1 + erf(y / sqrt(2))) / 2
  void (*softcap)(float cap, size_t n, float* y);  // cap tanh(y / cap)
  void (*scale)(float factor, size_t n, float* y);

  // y *= x
  void (*multiply)(const float* x, size_t n, float* y);

  // y += x
  void (*add)(const float* x, size_t n, float* y);

  // y += bias, for a bias stored as weights are.
  void (*add_bias)(const void* bias, DType dtype, size_t n, float* y);

  // One query head over positions [first, first + count): out = softmax(scale * q . k) v, with the
  // scores softly capped before the softmax where cap > 0.
  // Position p is row p % block_positions of block p / block_positions; a row starts `stride`
  // bytes after the one before it, and a block's pointer is already at this head's first row.
  // Only blocks that hold positions asked for are read. The sums run in the order of positions, so
  // block size never changes the bits. REQUIRES count >= 1. `scores` is scratch of `count` floats;
  // `out` takes head_dim floats.
  void (*attention)(const float* q, const void* const* k_blocks, const void* const* v_blocks,
                    size_t block_positions, size_t stride, size_t first, size_t count,
                    size_t head_dim, float scale, float cap, float* scores, float* out);

  // The same where a row of a head is a float, the scale, and head_dim signed bytes that it
  // multiplies. Rows may be unaligned.
  void (*attention_i8)(const float* q, const void* const* k_blocks, const void* const* v_blocks,
                       size_t block_positions, size_t stride, size_t first, size_t count,
                       size_t head_dim, float scale, float cap, float* scores, float* out);

  // REQUIRES whole blocks; of quantized types every value is exact to one rounding.
  void (*to_f32)(const void* in, DType dtype, size_t n, float* out);

  // See compute/random.h.
  // REQUIRES is_float(dtype), as rms_norm and add_bias do.
  void (*fill_normal)(void* out, DType dtype, uint64_t seed, uint64_t first, size_t n, float std);
};

// The best table for this processor, or a lower one when the environment's HYPERION_ISA names it.
// Chosen once.
const Kernels& kernels();

// "scalar", "avx2" or "avx512"; null when the name is none of these or this processor (or build)
// cannot run it.
const Kernels* kernels_for(std::string_view name);

// What is wrong with the environment's HYPERION_ISA, as a sentence, when kernels() had to disregard
// it; else null.
const char* isa_override_problem();

}  // namespace hyperion
