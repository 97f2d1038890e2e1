#include "model/values.h"

#include <gtest/gtest.h>

#include "support/models.h"

namespace hyperion {
namespace {

class ReadValues : public testing::Test {
 protected:
  ReadValues() {
    builder_.skip(5);
    floats_ = builder_.add("floats", {3, 5});
    blocks_ = builder_.add_blocks("blocks", {70, 512}, DType::q4_k);
    data_ = builder_.add_data("data", {24});
    fake_ = builder_.build();
  }

  Status read(uint32_t tensor, uint64_t first, size_t count) {
    out_.assign(count, -77);
    return read_values(*fake_.model, tensor, first, out_);
  }

  std::vector<float> expected(uint32_t tensor, size_t first, size_t count) const {
    const auto from = fake_.values[tensor].begin() + static_cast<ptrdiff_t>(first);
    return {from, from + static_cast<ptrdiff_t>(count)};
  }

  ModelBuilder builder_;
  uint32_t floats_, blocks_, data_;
  FakeModel fake_;
  std::vector<float> out_;
};

TEST_F(ReadValues, GivesAnyRangeOfElements) {
  ASSERT_TRUE(read(floats_, 0, 15).ok());
  EXPECT_EQ(out_, expected(floats_, 0, 15));
  ASSERT_TRUE(read(floats_, 7, 3).ok());
  EXPECT_EQ(out_, expected(floats_, 7, 3));
  EXPECT_TRUE(read(floats_, 15, 0).ok());
}

TEST_F(ReadValues, DecodesRangesThatBeginAndEndWithinBlocks) {
  const size_t all = 70 * 512;
  const std::pair<size_t, size_t> ranges[] = {{0, all},         {255, 1},     {255, 2},
                                              {1, all - 2},     {511, 16384}, {16383, 16386},
                                              {all - 300, 300}, {all - 1, 1}, {all, 0}};
  for (const auto& [first, count] : ranges) {
    ASSERT_TRUE(read(blocks_, first, count).ok());
    EXPECT_EQ(out_, expected(blocks_, first, count)) << first << " " << count;
  }
}

TEST_F(ReadValues, RefusesElementsAndTensorsThatAreNotThere) {
  EXPECT_EQ(read(floats_, 14, 2).code(), Code::invalid);
  EXPECT_EQ(read(floats_, UINT64_MAX, 2).code(), Code::invalid);
  EXPECT_EQ(read(blocks_, 70 * 512, 1).code(), Code::invalid);
  EXPECT_EQ(read(data_ + 1, 0, 1).code(), Code::invalid);
}

TEST_F(ReadValues, RefusesTheValuesOfData) {
  const Status status = read(data_, 0, 1);
  EXPECT_EQ(status.code(), Code::unsupported);
  EXPECT_NE(status.message().find("tensor data"), std::string::npos);
}

TEST_F(ReadValues, NoticesAFileCutShortOrBroken) {
  const uint64_t offset = fake_.model->tensors()[blocks_].offset;
  fake_.file->cut(offset + 3 * 144 + 20);
  EXPECT_TRUE(read(blocks_, 3 * 256 - 1, 1).ok());
  EXPECT_EQ(read(blocks_, 3 * 256, 1).code(), Code::corrupt);
  fake_.file->fail_at(offset);
  EXPECT_EQ(read(blocks_, 0, 1).code(), Code::io);
}

}  // namespace
}  // namespace hyperion
