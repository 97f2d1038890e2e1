#include "inference/matmul_tiles.h"

#include <algorithm>

#include "base/checked.h"

namespace hyperion {
namespace {

// A tile this large takes well under 10 ms even without vector instructions, which bounds how late
// a cancel is seen.
constexpr uint64_t kTileProducts = 4 * 1024 * 1024;
// The inputs of so many tokens stay in a core's cache while the rows pass over them.
constexpr uint64_t kTileTokens = 64;
// Kernels take rows in groups that divide this.
constexpr uint64_t kRowGroup = 16;
// Tiles for each thread, so that one that is held up does not hold up the rest.
constexpr uint64_t kTilesPerThread = 4;

}  // namespace

MatMulTiles::MatMulTiles(uint64_t all_rows, uint64_t cols, uint64_t all_tokens, uint64_t threads) {
  tokens = std::min(all_tokens, kTileTokens);
  token_tiles = divide_up(all_tokens, tokens);
  const uint64_t soon = kTileProducts / (cols * tokens);
  const uint64_t shared = divide_up(all_rows * token_tiles, threads * kTilesPerThread);
  rows = std::max(round_up(std::min(soon, shared), kRowGroup), kRowGroup);
  row_tiles = divide_up(all_rows, rows);
}

}  // namespace hyperion
