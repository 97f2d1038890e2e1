#include "loading/row_reader.h"

#include <gtest/gtest.h>

#include <thread>

#include "support/models.h"

namespace hyperion {
namespace {

class RowReaderTest : public testing::Test {
 protected:
  RowReaderTest() {
    ModelBuilder builder;
    builder.skip(13);
    narrow_ = builder.add("narrow", {50, 3});
    wide_ = builder.add("wide", {7, 2100});
    fake_ = builder.build();
    rows_ =
        std::make_unique<RowReader>(*fake_.model, Access::buffered, kThreads, memory_, cancelled_);
  }

  std::vector<float> expected(uint32_t tensor, const std::vector<int32_t>& ids) {
    const auto width = static_cast<ptrdiff_t>(fake_.model->tensors()[tensor].shape[1]);
    std::vector<float> rows;
    for (const int32_t id : ids) {
      const auto from = fake_.values[tensor].begin() + id * width;
      rows.insert(rows.end(), from, from + width);
    }
    return rows;
  }

  Status read(uint32_t tensor, const std::vector<int32_t>& ids) {
    out_.assign(ids.size() * fake_.model->tensors()[tensor].shape[1], 0);
    return rows_->read(tensor, ids, out_.data());
  }

  static constexpr size_t kThreads = 2;
  uint32_t narrow_, wide_;
  FakeModel fake_;
  Monitor monitor_;
  EngineMemory memory_{kUnlimited, monitor_};
  std::atomic<bool> cancelled_ = false;
  std::unique_ptr<RowReader> rows_;
  std::vector<float> out_;
};

TEST_F(RowReaderTest, ReadsRowsInTheOrderAskedWhereverTheyLie) {
  const std::vector<int32_t> many = {49, 0,  7,  7,  31, 2,  3,  4,  5, 6,
                                     48, 10, 11, 12, 13, 14, 15, 16, 1};
  ASSERT_TRUE(read(narrow_, many).ok());
  EXPECT_EQ(out_, expected(narrow_, many));
  const std::vector<int32_t> all = {6, 5, 4, 3, 2, 1, 0};
  ASSERT_TRUE(read(wide_, all).ok());
  EXPECT_EQ(out_, expected(wide_, all));
  EXPECT_EQ(monitor_.counters.snapshot().peak_by_tag[index_of(Tag::staging)],
            row_staging_bytes(fake_.model->tensors()[wide_], kThreads));
}

TEST_F(RowReaderTest, DecodesRowsOfAQuantizedTable) {
  for (const DType dtype : {DType::q8_0, DType::q4_k}) {
    ModelBuilder builder;
    builder.skip(7);
    const uint32_t table = builder.add_blocks("table", {30, 768}, dtype);
    const FakeModel fake = builder.build();
    RowReader rows(*fake.model, Access::buffered, kThreads, memory_, cancelled_);
    const std::vector<int32_t> ids = {29, 0, 3, 3, 17, 5, 6, 28, 1, 2};
    std::vector<float> out(ids.size() * 768), expected;
    for (const int32_t id : ids) {
      const auto from = fake.values[table].begin() + id * 768;
      expected.insert(expected.end(), from, from + 768);
    }
    ASSERT_TRUE(rows.read(table, ids, out.data()).ok());
    EXPECT_EQ(out, expected);
  }
}

TEST_F(RowReaderTest, ReportsErrorsAndGoesOn) {
  const uint64_t offset = fake_.model->tensors()[wide_].offset;
  fake_.file->fail_at(offset + 20000);
  EXPECT_EQ(read(wide_, {0, 2}).code(), Code::io);
  fake_.file->fail_at(std::nullopt);
  fake_.file->cut(offset + 20000);
  EXPECT_EQ(read(wide_, {2}).code(), Code::corrupt);
  EXPECT_TRUE(read(wide_, {1}).ok());
  EXPECT_EQ(out_, expected(wide_, {1}));
}

TEST_F(RowReaderTest, IsRefusedStagingThatDoesNotFit) {
  EngineMemory small(4096, monitor_);
  RowReader rows(*fake_.model, Access::buffered, 1, small, cancelled_);
  std::vector<float> out(3);
  EXPECT_EQ(rows.read(narrow_, std::vector<int32_t>{0}, out.data()).code(), Code::over_budget);
}

TEST_F(RowReaderTest, AWaitIsCancelledAndLaterReadsAreWhole) {
  fake_.file->shut_gate();
  std::thread canceller([&] {
    fake_.file->await_waiting(2);
    cancelled_ = true;
    rows_->interrupt();
  });
  EXPECT_EQ(read(wide_, {0, 1, 2, 3, 4, 5, 6}).code(), Code::cancelled);
  canceller.join();
  EXPECT_EQ(read(wide_, {6}).code(), Code::cancelled);  // reads into the staging memory go on
  cancelled_ = false;
  std::thread opener([&] { fake_.file->open_gate(); });
  ASSERT_TRUE(read(wide_, {6, 5}).ok());
  EXPECT_EQ(out_, expected(wide_, {6, 5}));
  opener.join();
}

}  // namespace
}  // namespace hyperion
