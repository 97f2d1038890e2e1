// How a matrix product is cut into tasks.
#pragma once

#include <cstdint>

namespace hyperion {

struct MatMulTiles {
  // REQUIRES: all are at least 1.
  MatMulTiles(uint64_t rows, uint64_t cols, uint64_t tokens, uint64_t threads);

  uint64_t rows;    // of one tile; the last ones may have fewer
  uint64_t tokens;  // likewise
  uint64_t row_tiles;
  uint64_t token_tiles;
};

}  // namespace hyperion
