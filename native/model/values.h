// The values of a tensor as floats, whatever its element type.
#pragma once

#include <cstdint>
#include <span>

#include "model/model.h"

namespace hyperion {

// Reads elements [first, first + out.size()) of a tensor, row by row, through the page cache and a
// buffer of 128 KiB. Exact to one rounding. INVALID when there is no such tensor or it has no such
// elements, UNSUPPORTED for a type that is not computed with, IO, CORRUPT when the file was cut
// short.
Status read_values(const Model& model, size_t tensor, uint64_t first, std::span<float> out);

}  // namespace hyperion
