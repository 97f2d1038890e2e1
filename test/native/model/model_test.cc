#include "model/model.h"

#include <gtest/gtest.h>

#include "support/models.h"

namespace hyperion {
namespace {

Status check(Tensor tensor) {
  std::vector<ModelFile> files;
  files.push_back({std::make_unique<FakeFile>("f", std::vector<std::byte>(1000)), nullptr});
  return Model::create(std::move(files), {std::move(tensor)}).status();
}

TEST(Model, TakesTensorsInsideTheirFile) {
  EXPECT_TRUE(check({"t", 0, 0, 1000, DType::f32, {25, 10}}).ok());
  EXPECT_TRUE(check({"t", 0, 998, 2, DType::bf16, {}}).ok());
  EXPECT_TRUE(check({"t", 0, 1000, 0, DType::f32, {0, 10}}).ok());
}

TEST(Model, RefusesBytesThatLeaveTheFile) {
  EXPECT_EQ(check({"t", 0, 4, 1000, DType::f32, {25, 10}}).code(), Code::bad_format);
  EXPECT_EQ(check({"t", 0, UINT64_MAX - 1, 4, DType::f32, {1}}).code(), Code::bad_format);
}

TEST(Model, RefusesShapesThatDisagreeWithTheirBytesOrOverflow) {
  EXPECT_EQ(check({"t", 0, 0, 1000, DType::f32, {25, 11}}).code(), Code::bad_format);
  EXPECT_EQ(check({"t", 0, 0, 0, DType::f32, {1ull << 32, 1ull << 32}}).code(), Code::bad_format);
}

TEST(Model, RefusesAFileThatIsNotThere) {
  EXPECT_EQ(check({"t", 1, 0, 4, DType::f32, {1}}).code(), Code::bad_format);
  EXPECT_EQ(Model::open({"/nonexistent/model"}, {}).status().code(), Code::io);
}

TEST(Model, ReadsATensorsBytes) {
  ModelBuilder builder;
  builder.skip(7);
  const uint32_t tensor = builder.add("t", {3, 5});
  const FakeModel fake = builder.build();
  std::vector<float> out(15);
  EXPECT_TRUE(fake.model->read(tensor, std::as_writable_bytes(std::span(out))).ok());
  EXPECT_EQ(out, fake.values[tensor]);

  out.resize(14);
  EXPECT_EQ(fake.model->read(tensor, std::as_writable_bytes(std::span(out))).code(), Code::invalid);
  EXPECT_EQ(fake.model->read(tensor + 1, {}).code(), Code::invalid);
}

TEST(Model, NoticesAFileCutShortWhileItIsOpen) {
  ModelBuilder builder;
  const uint32_t tensor = builder.add("t", {100});
  const FakeModel fake = builder.build();
  fake.file->cut(200);
  std::vector<float> out(100);
  const Status status = fake.model->read(tensor, std::as_writable_bytes(std::span(out)));
  EXPECT_EQ(status.code(), Code::corrupt);
  EXPECT_NE(status.message().find("cut short"), std::string::npos);
}

}  // namespace
}  // namespace hyperion
