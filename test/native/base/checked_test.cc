#include "base/checked.h"

#include <gtest/gtest.h>

#include "base/format.h"

namespace hyperion {
namespace {

constexpr uint64_t kMost = UINT64_MAX;

TEST(Checked, AddsUpToTheLargestNumberAndNoFurther) {
  EXPECT_EQ(checked_add(kMost - 1, 1), kMost);
  EXPECT_EQ(checked_add(kMost, 1), std::nullopt);
}

TEST(Checked, MultipliesUpToTheLargestNumberAndNoFurther) {
  EXPECT_EQ(checked_mul(1ull << 32, (1ull << 32) - 1), kMost - (1ull << 32) + 1);
  EXPECT_EQ(checked_mul(1ull << 32, 1ull << 32), std::nullopt);
  EXPECT_EQ(checked_mul(0, kMost), 0u);
}

TEST(Checked, RoundsToUnits) {
  EXPECT_EQ(round_up(0, 4096), 0u);
  EXPECT_EQ(round_up(1, 4096), 4096u);
  EXPECT_EQ(round_up(4096, 4096), 4096u);
  EXPECT_EQ(round_down(8191, 4096), 4096u);
  EXPECT_EQ(divide_up(kMost, 2), (1ull << 63));
}

TEST(Format, WritesBytesAsPeopleReadThem) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(412ull << 20), "412.0 MiB");
  EXPECT_EQ(format_bytes(kMost), "unlimited");
}

}  // namespace
}  // namespace hyperion
