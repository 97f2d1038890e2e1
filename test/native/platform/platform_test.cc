#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/checked.h"
#include "platform/file.h"
#include "platform/pages.h"
#include "platform/process.h"
#include "platform/thread.h"

namespace hyperion {
namespace {

// A file of `bytes` bytes 0, 1, 2, ... that is deleted with this object.
class TemporaryFile {
 public:
  explicit TemporaryFile(size_t bytes) : path_(testing::TempDir() + "hyperion-platform-test") {
    std::FILE* file = std::fopen(path_.c_str(), "wb");
    for (size_t i = 0; i < bytes; ++i) std::fputc(static_cast<int>(i % 256), file);
    std::fclose(file);
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

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
