// Seeded weights for sample models: a value is a function of (seed, element index) alone, so a
// tensor may be written in any chunks, by any threads, on any processor, and has the same bytes.
#pragma once

#include "compute/kernels.h"

namespace hyperion {

// Writes elements [first, first + n) of the stream `seed`: near-normal values of mean 0 and
// standard deviation `std` (the sum of eight uniform bytes, so none beyond 4.9 std), rounded to
// `dtype`. `out` may be unaligned.
inline void fill_normal(void* out, DType dtype, uint64_t seed, uint64_t first, size_t n,
                        float std) {
  kernels().fill_normal(out, dtype, seed, first, n, std);
}

}  // namespace hyperion
