#include "loading/row_reader.h"

#include <gtest/gtest.h>

#include "support/models.h"

namespace hyperion {
namespace {

TEST(RowReader, ReadsEveryRowWhereverItLies) {
  ModelBuilder builder;
  builder.skip(13);
  const uint32_t narrow = builder.add("narrow", {50, 3});
  const uint32_t wide = builder.add("wide", {7, 2100});
  const FakeModel fake = builder.build();
  Monitor monitor;
  Budget budget(kUnlimited, monitor);
  RowReader rows(*fake.model, Access::buffered, budget);
  for (const uint32_t tensor : {narrow, wide, narrow}) {
    const Tensor& table = fake.model->tensors()[tensor];
    for (uint64_t row = 0; row < table.shape[0]; ++row) {
      std::vector<float> out(table.shape[1]);
      ASSERT_TRUE(rows.read(tensor, row, out.data()).ok());
      const auto from = fake.values[tensor].begin() + static_cast<ptrdiff_t>(row * table.shape[1]);
      EXPECT_EQ(out, std::vector<float>(from, from + static_cast<ptrdiff_t>(table.shape[1])));
    }
  }
  EXPECT_EQ(monitor.counters.snapshot().peak_by_tag[index_of(Tag::staging)],
            row_staging_bytes(fake.model->tensors()[wide]));
}

TEST(RowReader, ReportsErrorsAndGoesOn) {
  ModelBuilder builder;
  const uint32_t table = builder.add("table", {100, 100});
  const FakeModel fake = builder.build();
  Monitor monitor;
  Budget budget(kUnlimited, monitor);
  RowReader rows(*fake.model, Access::buffered, budget);
  std::vector<float> out(100);
  fake.file->fail_at(4000);
  EXPECT_EQ(rows.read(table, 10, out.data()).code(), Code::io);
  fake.file->fail_at(std::nullopt);
  fake.file->cut(4100);
  EXPECT_EQ(rows.read(table, 10, out.data()).code(), Code::corrupt);
  EXPECT_TRUE(rows.read(table, 9, out.data()).ok());
}

TEST(RowReader, IsRefusedStagingThatDoesNotFit) {
  ModelBuilder builder;
  const uint32_t table = builder.add("table", {4, 4});
  const FakeModel fake = builder.build();
  Monitor monitor;
  Budget budget(4096, monitor);
  RowReader rows(*fake.model, Access::buffered, budget);
  std::vector<float> out(4);
  EXPECT_EQ(rows.read(table, 0, out.data()).code(), Code::over_budget);
}

}  // namespace
}  // namespace hyperion
