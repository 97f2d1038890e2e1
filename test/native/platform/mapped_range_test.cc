#include "platform/mapped_range.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "platform/file.h"
#include "platform/pages.h"
#include "platform/thread.h"
#include "support/temporary_file.h"

namespace hyperion {
namespace {

constexpr uint64_t kPages = 64;

// A file of kPages pages, mapped and watched.
class MappedRangeTest : public testing::Test {
 protected:
  MappedRangeTest() {
    file_ = std::move(open_file(temporary_.path(), Access::buffered).value());
    region_ = std::move(PageRegion::reserve(bytes_).value());
    EXPECT_TRUE(file_->map(0, bytes_, region_.data()).ok());
    range_ = MappedRange(region_.data(), bytes_);
  }

  unsigned sum(uint64_t first_page = 0) const {
    const auto* bytes = reinterpret_cast<const volatile unsigned char*>(region_.data());
    unsigned sum = 0;
    for (uint64_t i = first_page * kPageSize; i < bytes_; ++i) sum += bytes[i];
    return sum;
  }

  const uint64_t bytes_ = kPages * kPageSize;
  TemporaryFile temporary_{kPages * kPageSize};
  std::unique_ptr<File> file_;
  PageRegion region_;
  MappedRange range_;  // last: it watches the region
};

constexpr unsigned kPageSum = kPageSize / 256 * (255 * 256 / 2);

TEST_F(MappedRangeTest, ReadsTheFileAndIsWhole) {
  EXPECT_EQ(sum(), kPages * kPageSum);
  EXPECT_FALSE(range_.broken());
}

TEST_F(MappedRangeTest, AFileCutShortReadsAsZerosInEveryThreadAndBreaksTheRange) {
  std::filesystem::resize_file(temporary_.path(), 10 * kPageSize);
  EXPECT_FALSE(range_.broken()) << "nothing was read yet";
  std::vector<unsigned> sums(4);
  {
    std::vector<std::unique_ptr<Thread>> threads;
    for (unsigned& total : sums) {
      threads.push_back(Thread::start("reads", [&] { total = sum(); }));
    }
  }
  EXPECT_EQ(sums, std::vector<unsigned>(4, 10 * kPageSum));
  EXPECT_TRUE(range_.broken());
  // It is broken for good, whatever becomes of the file.
  std::filesystem::resize_file(temporary_.path(), bytes_);
  EXPECT_EQ(sum(10), 0u);
  EXPECT_TRUE(range_.broken());
}

TEST_F(MappedRangeTest, OtherRangesStayWhole) {
  const TemporaryFile other(kPageSize);
  const auto file = std::move(open_file(other.path(), Access::buffered).value());
  const PageRegion region = std::move(PageRegion::reserve(kPageSize).value());
  ASSERT_TRUE(file->map(0, kPageSize, region.data()).ok());
  const MappedRange whole(region.data(), kPageSize);
  std::filesystem::resize_file(temporary_.path(), 0);
  EXPECT_EQ(sum(), 0u);
  EXPECT_TRUE(range_.broken());
  EXPECT_FALSE(whole.broken());
  EXPECT_EQ(region.data()[5], std::byte{5});
}

TEST_F(MappedRangeTest, APlaceThatIsUsedAgainBeginsWhole) {
  std::filesystem::resize_file(temporary_.path(), 0);
  EXPECT_EQ(sum(), 0u);
  range_ = MappedRange();
  std::filesystem::resize_file(temporary_.path(), bytes_);
  ASSERT_TRUE(file_->map(0, bytes_, region_.data()).ok());
  range_ = MappedRange(region_.data(), bytes_);
  EXPECT_FALSE(range_.broken());
  EXPECT_EQ(sum(), 0u) << "holes";
  EXPECT_FALSE(range_.broken());
}

using MappedRangeDeathTest = MappedRangeTest;

TEST_F(MappedRangeDeathTest, AFaultElsewhereEndsTheProcessAsBefore) {
  const auto fault_unwatched = [&] {
    const MappedRange gone = std::move(range_);
    std::filesystem::resize_file(temporary_.path(), 0);
    const PageRegion region = std::move(PageRegion::reserve(kPageSize).value());
    if (file_->map(0, kPageSize, region.data()).ok()) {
      static_cast<void>(*static_cast<const volatile std::byte*>(region.data()));
    }
  };
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  EXPECT_DEATH(fault_unwatched(), "");
#else
  EXPECT_EXIT(fault_unwatched(), testing::KilledBySignal(SIGBUS), "");
#endif
  EXPECT_DEATH(::raise(SIGBUS), "");
}

}  // namespace
}  // namespace hyperion
