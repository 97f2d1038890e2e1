#include "loading/read_memory.h"

#include <gtest/gtest.h>

#include <cmath>

#include "platform/pages.h"
#include "platform/process.h"

namespace hyperion {
namespace {

constexpr uint64_t kMiB = 1 << 20;

TEST(ReadMemory, TellsASpeedAndGivesTheMemoryBack) {
  const uint64_t before = process_memory().resident;
  reset_resident_peak();
  const Result<double> speed = read_memory(64 * kMiB, 2);
  ASSERT_TRUE(speed.ok());
  EXPECT_GT(speed.value(), 0);
  EXPECT_TRUE(std::isfinite(speed.value()));
  const ProcessMemory after = process_memory();
  EXPECT_GE(after.resident_peak, before + 60 * kMiB);
  EXPECT_LT(after.resident, before + 16 * kMiB);
}

TEST(ReadMemory, ReadsOnePageToo) {
  const Result<double> speed = read_memory(kPageSize, 1);
  ASSERT_TRUE(speed.ok());
  EXPECT_GT(speed.value(), 0);
}

TEST(ReadMemory, MoreThanThereIsIsRefused) {
  EXPECT_EQ(read_memory(uint64_t{1} << 60, 2).status().code(), Code::out_of_memory);
}

}  // namespace
}  // namespace hyperion
