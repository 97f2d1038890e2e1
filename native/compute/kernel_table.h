// Instantiates every kernel for one back end, and names the tables that the build may contain.
#pragma once

#include "compute/activation.h"
#include "compute/attention.h"
#include "compute/elementwise.h"
#include "compute/fill.h"
#include "compute/kernels.h"
#include "compute/matmul.h"
#include "compute/matmul_transposed.h"
#include "compute/norm.h"
#include "compute/rope.h"

namespace hyperion {

template <class V>
constexpr Kernels make_kernels(const char* name) {
  return {
      .name = name,
      .matmul = matmul<V>,
      .matmul_transposed = matmul_transposed<V>,
      .rms_norm = rms_norm<V>,
      .layer_norm = layer_norm<V>,
      .rope = rope<V>,
      .rope_interleaved = rope_interleaved<V>,
      .silu = silu<V>,
      .gelu_tanh = gelu_tanh<V>,
      .gelu_erf = gelu_erf<V>,
      .softcap = softcap<V>,
      .scale = scale<V>,
      .multiply = multiply<V>,
      .add = add<V>,
      .add_bias = add_bias<V>,
      .attention = attention<V, FloatRows<V>>,
      .attention_i8 = attention<V, ScaledByteRows<V>>,
      .to_f32 = to_f32<V>,
      .fill_normal = fill_normal<V>,
  };
}

// Constant data, so that choosing a table runs no code compiled for an instruction set that may be
// absent. A table whose name is null was not built: its file was compiled for another architecture.
extern const Kernels kScalarKernels, kAvx2Kernels, kAvx512Kernels;

}  // namespace hyperion
