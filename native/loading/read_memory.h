// What memory can give, to hold computing against.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.h"

namespace hyperion {

// Bytes per second at which so many threads together read a region of `bytes` from end to end, the
// best of a few times. A region larger than the caches tells what memory gives. Outside of any
// session, so outside of any budget: it holds the region, in huge pages where there are some, and
// gives it back. REQUIRES: bytes is a positive multiple of kPageSize. OUT_OF_MEMORY.
Result<double> read_memory(uint64_t bytes, size_t threads);

}  // namespace hyperion
