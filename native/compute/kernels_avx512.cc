#include "compute/kernel_table.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)

#include "compute/simd/vec16_avx512.h"

namespace hyperion {

constinit const Kernels kAvx512Kernels = make_kernels<Vec16Avx512>("avx512");

}  // namespace hyperion

#else

namespace hyperion {

constinit const Kernels kAvx512Kernels = {};

}  // namespace hyperion

#endif
