#include "loading/choose_reading.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/models.h"
#include "support/temporary_file.h"

namespace hyperion {
namespace {

std::shared_ptr<Model> model_of(const TemporaryFile& file) {
  return std::move(Model::open({file.path()}, {}).value());
}

TEST(ChooseReading, MeasuresADeviceOnce) {
  const TemporaryFile file(0);
  std::filesystem::resize_file(file.path(), 96 << 20);
  const auto model = model_of(file);
  const Reading first = choose_reading(*model, 2);
  EXPECT_TRUE(check_access(*model, first.access).ok());
  EXPECT_NE(first.access, Access::mapped);
  EXPECT_GT(first.bytes_per_second, 0);
  const TemporaryFile other(0);
  std::filesystem::resize_file(other.path(), 200 << 20);
  const Reading second = choose_reading(*model_of(other), 1000);
  EXPECT_EQ(second.access, first.access);
  EXPECT_EQ(second.bytes_per_second, first.bytes_per_second);
}

TEST(ChooseReading, MeasuresNoSmallModel) {
  const TemporaryFile file(5000);
  const auto model = model_of(file);
  const Reading reading = choose_reading(*model, 2);
  EXPECT_EQ(reading.access, model->has_direct() ? Access::direct : Access::buffered);
  EXPECT_EQ(reading.bytes_per_second, 0);
  EXPECT_EQ(choose_reading(*std::move(Model::open({}, {}).value()), 2).bytes_per_second, 0);
}

TEST(ChooseReading, SaysWhichWaysThereAreNot) {
  ModelBuilder builder;
  builder.add("t", {3});
  const FakeModel fake = builder.build();
  EXPECT_TRUE(check_access(*fake.model, Access::buffered).ok());
  EXPECT_TRUE(check_access(*fake.model, Access::mapped).ok());
  for (const Access access : {Access::direct, Access::uring}) {
    const Status status = check_access(*fake.model, access);
    EXPECT_EQ(status.code(), Code::unsupported);
    EXPECT_NE(status.message().find("refuses direct reads"), std::string::npos);
  }
}

}  // namespace
}  // namespace hyperion
