#include "compute/kernel_table.h"
#include "compute/simd/vec16_scalar.h"

namespace hyperion {

constinit const Kernels kScalarKernels = make_kernels<Vec16Scalar>("scalar");

}  // namespace hyperion
