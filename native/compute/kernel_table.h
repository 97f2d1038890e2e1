// Instantiates every kernel for one back end, and names the tables that the build may contain.
#pragma once

#include "compute/attention.h"
#include "compute/elementwise.h"
#include "compute/fill.h"
#include "compute/kernels.h"
#include "compute/matmul.h"

namespace hyperion {

template <class V>
constexpr Kernels make_kernels(const char* name) {
  return {name,   matmul<V>,   rms_norm<V>,  rope<V>,   swiglu<V>,
          add<V>, add_bias<V>, attention<V>, to_f32<V>, fill_normal<V>};
}

// Constant data, so that choosing a table runs no code compiled for an instruction set that may be
// absent. A table whose name is null was not built: its file was compiled for another architecture.
extern const Kernels kScalarKernels, kAvx2Kernels, kAvx512Kernels;

}  // namespace hyperion
