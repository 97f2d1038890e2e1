#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/checked.h"
#include "platform/file.h"
#include "platform/pages.h"
#include "platform/process.h"
#include "platform/thread.h"
#include "support/fake_file.h"
#include "support/status_details.h"
#include "support/temporary_file.h"

namespace hyperion {
namespace {

TEST(Pages, AdviceOfHugePagesLeavesTheMemoryAsItIs) {
  std::vector<std::byte> memory(7 * kHugePageSize + 12345, std::byte{7});
  for (const size_t begin : {0, 1, 4096}) {
    for (const size_t bytes : {size_t{0}, size_t{1}, memory.size() - begin}) {
      advise_huge_pages(std::span(memory).subspan(begin, bytes));
    }
  }
  advise_huge_pages({});
  EXPECT_EQ(memory, std::vector<std::byte>(memory.size(), std::byte{7}));
}

TEST(File, ReadsAcrossItsEndInBothWays) {
  const TemporaryFile temporary(10000);
  auto pages = PageRegion::map(16384);
  ASSERT_TRUE(pages.ok());
  for (const Access access : {Access::buffered, Access::direct}) {
    Result<std::unique_ptr<File>> file = open_file(temporary.path(), access);
    if (file.status().code() == Code::unsupported)
      continue;  // this file system has no direct reads
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_EQ(file.value()->size(), 10000u);
    std::memset(pages.value().data(), 0xff, pages.value().size());
    const Result<size_t> got = read_fully(*file.value(), 4096, {pages.value().data(), 8192});
    ASSERT_TRUE(got.ok()) << got.status().message();
    EXPECT_EQ(got.value(), 10000u - 4096);
    EXPECT_EQ(pages.value().data()[0], std::byte{4096 % 256});
    EXPECT_EQ(pages.value().data()[10000 - 4096 - 1], std::byte{9999 % 256});
  }
}

TEST(File, IsMappedOverReservedAddresses) {
  const TemporaryFile temporary(10000);
  Result<std::unique_ptr<File>> file = open_file(temporary.path(), Access::buffered);
  ASSERT_TRUE(file.ok());
  Result<PageRegion> region = PageRegion::reserve(3 * kPageSize);
  ASSERT_TRUE(region.ok());
  const std::byte* data = region.value().data();
  // The file's last pages come first: ranges are placed independently.
  ASSERT_TRUE(file.value()->map(kPageSize, 2 * kPageSize, region.value().data()).ok());
  ASSERT_TRUE(file.value()->map(0, kPageSize, region.value().data() + 2 * kPageSize).ok());
  EXPECT_EQ(data[5], std::byte{(4096 + 5) % 256});
  EXPECT_EQ(data[9999 - 4096], std::byte{9999 % 256});
  EXPECT_EQ(data[10000 - 4096], std::byte{0}) << "behind the end of the file";
  EXPECT_EQ(data[2 * kPageSize + 7], std::byte{7});
  EXPECT_EQ(file.value()->map(1, kPageSize, region.value().data()).code(), Code::io);
}

TEST(File, TellsWhichOfItsPagesAreInThePageCacheWithoutTouchingThem) {
  const TemporaryFile temporary(3 * kPageSize + 1);
  Result<std::unique_ptr<File>> file = open_file(temporary.path(), Access::buffered);
  ASSERT_TRUE(file.ok());
  std::vector<uint8_t> pages(6, 7);
  // Just written, all of them are; behind the end of the file there are none.
  ASSERT_TRUE(file.value()->resident_pages(0, pages).ok());
  EXPECT_EQ(pages, (std::vector<uint8_t>{1, 1, 1, 1, 0, 0}));
  ASSERT_TRUE(file.value()->resident_pages(3, std::span(pages).first(2)).ok());
  EXPECT_EQ(pages[0], 1);
  EXPECT_EQ(pages[1], 0);
  // Cut short, it has fewer, and asking is no danger.
  std::filesystem::resize_file(temporary.path(), kPageSize);
  ASSERT_TRUE(file.value()->resident_pages(0, pages).ok());
  EXPECT_EQ(pages, (std::vector<uint8_t>{1, 0, 0, 0, 0, 0}));
}

TEST(File, RefusesWhatIsNoRegularFile) {
  EXPECT_EQ(open_file("/dev/null", Access::buffered).status().code(), Code::io);
  EXPECT_EQ(open_file(testing::TempDir(), Access::buffered).status().code(), Code::io);
  EXPECT_EQ(open_file("/nonexistent", Access::direct).status().code(), Code::io);
}

TEST(File, IsChangedByWhoWritesToItAndNotByWhoTakesItsName) {
  const TemporaryFile temporary(10000);
  Result<std::unique_ptr<File>> file = open_file(temporary.path(), Access::buffered);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file.value()->check_unchanged().ok());
  const auto written = std::filesystem::last_write_time(temporary.path());
  std::filesystem::resize_file(temporary.path(), 9999);
  EXPECT_EQ(file.value()->check_unchanged().code(), Code::corrupt);
  std::filesystem::resize_file(temporary.path(), 10000);
  std::filesystem::last_write_time(temporary.path(), written);
  EXPECT_TRUE(file.value()->check_unchanged().ok());
  std::filesystem::last_write_time(temporary.path(), written + std::chrono::seconds(1));
  const Status changed = file.value()->check_unchanged();
  EXPECT_EQ(changed.code(), Code::corrupt);
  EXPECT_EQ(changed.message(), temporary.path() + " was changed since the model was opened");

  file = open_file(temporary.path(), Access::buffered);
  ASSERT_TRUE(file.ok());
  const TemporaryFile other(5000);
  std::filesystem::rename(other.path(), temporary.path());
  EXPECT_TRUE(file.value()->check_unchanged().ok());
}

class ReadFully : public testing::Test {
 protected:
  ReadFully() {
    for (size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = static_cast<std::byte>(i / 100);
  }
  Result<size_t> read(FakeFile& file) {
    return read_fully(file, 0, out_, [this](double ms) {
      paused_.push_back(ms);
      return pauses_last_;
    });
  }

  std::vector<std::byte> bytes_ = std::vector<std::byte>(10000);
  std::vector<std::byte> out_ = std::vector<std::byte>(3 * kDirectAlignment);
  std::vector<double> paused_;
  bool pauses_last_ = true;
};

TEST_F(ReadFully, GoesOnAfterDirectReadsThatStopBetweenTwoBlocks) {
  FakeFile file("fake", bytes_);
  file.set_direct();
  file.set_most_at_once(4096 + 512);
  const Result<size_t> got = read(file);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got.value(), 10000u);
  out_.resize(10000);
  EXPECT_EQ(out_, bytes_);
}

TEST_F(ReadFully, EndsWhereADirectFileWasCut) {
  FakeFile file("fake", bytes_);
  file.set_direct();
  file.cut(5000);
  const Result<size_t> got = read(file);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got.value(), 5000u);
}

TEST_F(ReadFully, TriesAReadThatFailedTwiceMoreAfterPauses) {
  FakeFile file("fake", bytes_);
  file.set_most_at_once(4000);
  file.fail_read(1);
  Result<size_t> got = read(file);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got.value(), 10000u);
  EXPECT_EQ(paused_, (std::vector<double>{4}));

  paused_.clear();
  file.fail_read(2, true);
  got = read(file);
  EXPECT_EQ(got.status().code(), Code::io);
  EXPECT_EQ(got.status().message(),
            "cannot read fake: Input/output error (at offset 8000, tried 3 times)");
  EXPECT_EQ(detail(got.status(), "offset"), 8000);
  EXPECT_EQ(paused_, (std::vector<double>{4, 8}));
}

TEST_F(ReadFully, GivesUpWhenAPauseDoesNotLast) {
  FakeFile file("fake", bytes_);
  file.fail_read(0, true);
  pauses_last_ = false;
  EXPECT_EQ(read(file).status().message(),
            "cannot read fake: Input/output error (at offset 0, tried once)");
  EXPECT_EQ(paused_, (std::vector<double>{4}));
}

TEST(PageRegion, IsZeroedAndWritableToItsLastByte) {
  for (const uint64_t bytes : {kPageSize, kHugePageSize, kHugePageSize + 3 * kPageSize}) {
    Result<PageRegion> region = PageRegion::map(bytes);
    ASSERT_TRUE(region.ok());
    EXPECT_EQ(region.value().data()[bytes - 1], std::byte{0});
    region.value().data()[bytes - 1] = std::byte{1};
    PageRegion moved = std::move(region.value());
    EXPECT_EQ(moved.size(), bytes);
  }
}

TEST(Process, ResidentMemoryIsKnownAndFollowsWhatIsTouched) {
  const ProcessMemory before = process_memory();
  EXPECT_GT(before.resident, 0u);
  EXPECT_GE(before.resident_peak, before.resident);
  const uint64_t bytes = 64 * kHugePageSize;
  Result<PageRegion> region = PageRegion::map(bytes);
  ASSERT_TRUE(region.ok());
  std::memset(region.value().data(), 1, bytes);
  EXPECT_GE(process_memory().resident, before.resident + bytes / 2);
}

TEST(Process, HasCores) {
  EXPECT_GE(available_cores(), 1u);
}

TEST(Thread, RunsItsBodyBeforeItIsJoined) {
  std::atomic<bool> ran = false;
  {
    const auto thread = Thread::start("hyp-test", [&] { ran = true; });
  }
  EXPECT_TRUE(ran);
}

TEST(Thread, IsPinnedWhereThatCanBeDoneAndOnlyToCoresThatThereAre) {
  bool beyond = true;
  double used = -1;
  {
    const auto thread = Thread::start("hyp-test", [&] {
      beyond = pin_to_core(1'000'000);
      pin_to_core(0);
      const double before = thread_time_ns();
      for (int i = 0; i < 1'000'000 && used <= 0; ++i) used = thread_time_ns() - before;
    });
  }
  EXPECT_FALSE(beyond);
  EXPECT_GT(used, 0.0);
}

}  // namespace
}  // namespace hyperion
