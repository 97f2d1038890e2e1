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

  // One token: y = x / sqrt(mean(x^2) + eps) * weight. y may be x.
  void (*rms_norm)(const float* x, const void* weight, DType dtype, float eps, size_t width,
                   float* y);

  // One token, in place: each head's pair (x[i], x[i + head_dim/2]) turns by the angle whose cos[i]
  // and sin[i] are given, i < head_dim/2 (the rotate-half convention of Hugging Face). REQUIRES
  // head_dim even.
  void (*rope)(float* x, size_t heads, size_t head_dim, const float* cos, const float* sin);

  // out = gate * sigmoid(gate) * up. out may be gate or up.
  void (*swiglu)(const float* gate, const float* up, size_t n, float* out);

  // y += x
  void (*add)(const float* x, size_t n, float* y);

  // y += bias, for a bias stored as weights are.
  void (*add_bias)(const void* bias, DType dtype, size_t n, float* y);

  // One query head over positions [first, first + count): out = softmax(scale * q . k) v.
  // Position p is row p % block_positions of block p / block_positions; a row starts `stride`
  // floats after the one before it, and a block's pointer is already at this head's first float.
  // Only blocks that hold positions asked for are read. The sums run in the order of positions, so
  // block size never changes the bits. REQUIRES count >= 1. `scores` is scratch of `count` floats;
  // `out` takes head_dim floats.
  void (*attention)(const float* q, const float* const* k_blocks, const float* const* v_blocks,
                    size_t block_positions, size_t stride, size_t first, size_t count,
                    size_t head_dim, float scale, float* scores, float* out);

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
