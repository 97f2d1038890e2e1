#include "compute/kernel_table.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

#include "compute/simd/vec16_avx2.h"

namespace hyperion {

constinit const Kernels kAvx2Kernels = make_kernels<Vec16Avx2>("avx2");

}  // namespace hyperion

#else

namespace hyperion {

constinit const Kernels kAvx2Kernels = {};

}  // namespace hyperion

#endif
