#include "inference/matmul_tiles.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hyperion {
namespace {

TEST(MatMulTiles, CoverEveryRowAndTokenOnce) {
  for (const uint64_t rows : {1u, 15u, 16u, 17u, 300u, 5632u}) {
    for (const uint64_t tokens : {1u, 7u, 64u, 65u, 512u}) {
      for (const uint64_t threads : {1u, 2u, 64u}) {
        const MatMulTiles tiles(rows, 2048, tokens, threads);
        EXPECT_GE(tiles.rows * tiles.row_tiles, rows);
        EXPECT_LT(tiles.rows * (tiles.row_tiles - 1), rows);
        EXPECT_GE(tiles.tokens * tiles.token_tiles, tokens);
        EXPECT_LT(tiles.tokens * (tiles.token_tiles - 1), tokens);
      }
    }
  }
}

TEST(MatMulTiles, AreSmallEnoughToNoticeACancel) {
  const MatMulTiles tiles(5632, 2048, 512, 1);
  EXPECT_LE(tiles.rows * tiles.tokens * 2048, 4u * 1024 * 1024);
}

TEST(MatMulTiles, ShareADecodeStepOutOverTheThreads) {
  EXPECT_GE(MatMulTiles(2048, 2048, 1, 4).row_tiles, 8u);
}

}  // namespace
}  // namespace hyperion
