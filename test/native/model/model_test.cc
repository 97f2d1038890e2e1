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

TEST(Model, TakesQuantizedRowsOfWholeBlocks) {
  EXPECT_TRUE(check({"t", 0, 0, 2 * 3 * 34, DType::q8_0, {2, 96}}).ok());
  EXPECT_TRUE(check({"t", 0, 1, 5 * 144, DType::q4_k, {5, 1, 256}}).ok());
  EXPECT_EQ(check({"t", 0, 0, 2 * 3 * 34 + 1, DType::q8_0, {2, 96}}).code(), Code::bad_format);
  // The same bytes, but rows that share a block.
  const Status status = check({"ragged", 0, 0, 2 * 3 * 34, DType::q8_0, {4, 48}});
  EXPECT_EQ(status.code(), Code::bad_format);
  EXPECT_NE(status.message().find("tensor ragged: its rows of 48"), std::string::npos);
  EXPECT_EQ(check({"t", 0, 0, 34, DType::q8_0, {}}).code(), Code::bad_format);
  EXPECT_EQ(check({"t", 0, 0, 0, DType::q6_k, {1ull << 40, 1ull << 40}}).code(), Code::bad_format);
}

TEST(Model, HoldsBytesOfAnyShapeAsData) {
  EXPECT_TRUE(check({"t", 0, 0, 1000, DType::data, {7}}).ok());
  EXPECT_TRUE(check({"t", 0, 0, 8, DType::data, {1ull << 40, 1ull << 40}}).ok());
  EXPECT_EQ(check({"t", 0, 1, 1000, DType::data, {1000}}).code(), Code::bad_format);
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
