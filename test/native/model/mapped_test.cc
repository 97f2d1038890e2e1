#include "model/mapped.h"

#include <gtest/gtest.h>

#include "support/models.h"

namespace hyperion {
namespace {

TEST(MappedModel, ReadsAPartOfATensor) {
  ModelBuilder builder;
  builder.skip(7);
  const uint32_t tensor = builder.add("t", {3, 5});
  const FakeModel fake = builder.build();
  std::vector<float> out(4);
  const auto bytes = std::as_writable_bytes(std::span(out));
  ASSERT_TRUE(read_part(*fake.model, tensor, 5 * sizeof(float), bytes).ok());
  const auto begin = fake.values[tensor].begin() + 5;
  EXPECT_EQ(out, std::vector<float>(begin, begin + 4));
  EXPECT_TRUE(read_part(*fake.model, tensor, 60, {}).ok());
}

TEST(MappedModel, RefusesPartsThatLeaveTheTensor) {
  ModelBuilder builder;
  const uint32_t tensor = builder.add("t", {3, 5});
  builder.add("u", {100});
  const FakeModel fake = builder.build();
  std::vector<std::byte> out(8);
  EXPECT_EQ(read_part(*fake.model, tensor, 56, out).code(), Code::invalid);
  EXPECT_EQ(read_part(*fake.model, tensor, UINT64_MAX - 4, out).code(), Code::invalid);
  EXPECT_EQ(read_part(*fake.model, 2, 0, out).code(), Code::invalid);
}

TEST(MappedModel, NoticesAFileCutShort) {
  ModelBuilder builder;
  const uint32_t tensor = builder.add("t", {100});
  const FakeModel fake = builder.build();
  fake.file->cut(200);
  std::vector<std::byte> out(8);
  EXPECT_TRUE(read_part(*fake.model, tensor, 0, out).ok());
  EXPECT_EQ(read_part(*fake.model, tensor, 392, out).code(), Code::corrupt);
}

TEST(MappedModel, AsksForEveryPageOfAFile) {
  ModelBuilder builder;
  builder.add("t", {2000});
  const FakeModel fake = builder.build();
  std::vector<uint8_t> pages(pages_of(*fake.model, 0));
  EXPECT_EQ(resident_pages(*fake.model, 0, pages).code(), Code::unsupported);
  pages.pop_back();
  EXPECT_EQ(resident_pages(*fake.model, 0, pages).code(), Code::invalid);
}

}  // namespace
}  // namespace hyperion
