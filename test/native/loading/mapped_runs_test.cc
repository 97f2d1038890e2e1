#include "loading/mapped_runs.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/temporary_file.h"

namespace hyperion {
namespace {

constexpr uint64_t kBytes = 8 * kPageSize;

class MappedRunsTest : public testing::Test {
 protected:
  Result<MappedRuns> map() { return map_runs(*model_, runs_, kBytes, memory_); }

  const TemporaryFile file_{100 * kPageSize};
  std::shared_ptr<Model> model_ = std::move(Model::open({file_.path()}, {}).value());
  // File, offset, bytes, required bytes, place.
  const std::vector<hyperion::Run> runs_ = {
      {0, 50 * kPageSize, 5 * kPageSize, 5 * kPageSize, 0},
      {0, kPageSize, 3 * kPageSize, 3 * kPageSize, 5 * kPageSize}};
  Monitor monitor_;
  EngineMemory memory_{kBytes, monitor_};
};

TEST_F(MappedRunsTest, AreChargedWhileTheyLive) {
  {
    const Result<MappedRuns> mapped = map();
    ASSERT_TRUE(mapped.ok()) << mapped.status().message();
    EXPECT_EQ(memory_.budget().charged(), kBytes);
    EXPECT_EQ(mapped.value().region.data()[7], std::byte{7});
    EXPECT_EQ(mapped.value().region.data()[6 * kPageSize + 9], std::byte{9});
    EXPECT_EQ(map().status().code(), Code::over_budget);
    EXPECT_TRUE(check_mapped(mapped.value().range, *model_, runs_).ok());
  }
  EXPECT_EQ(memory_.budget().charged(), 0u);
}

TEST_F(MappedRunsTest, AreCorruptOnceAFileWasCutUnderThem) {
  Result<MappedRuns> mapped = map();
  ASSERT_TRUE(mapped.ok());
  const MappedRuns moved = std::move(mapped.value());
  std::filesystem::resize_file(file_.path(), 2 * kPageSize);
  EXPECT_TRUE(check_mapped(moved.range, *model_, runs_).ok()) << "nothing was read yet";
  const std::byte read = static_cast<const volatile std::byte*>(moved.region.data())[7];
  EXPECT_EQ(read, std::byte{0});
  const Status status = check_mapped(moved.range, *model_, runs_);
  EXPECT_EQ(status.code(), Code::corrupt);
  EXPECT_EQ(status.message(), file_.path() + " was changed since the model was opened");
}

}  // namespace
}  // namespace hyperion
