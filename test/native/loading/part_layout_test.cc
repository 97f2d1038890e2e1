#include "loading/part_layout.h"

#include <gtest/gtest.h>

#include "support/models.h"

namespace hyperion {
namespace {

constexpr uint64_t kBlock = kDirectAlignment;

TEST(PartLayout, JoinsNeighboursIntoOneAlignedRun) {
  ModelBuilder builder;
  builder.skip(100);
  const uint32_t a = builder.add("a", {10});
  const uint32_t b = builder.add("b", {1000});
  const FakeModel fake = builder.build();
  const PartLayout layout = lay_out(*fake.model, std::vector<uint32_t>{b, a});
  ASSERT_EQ(layout.runs.size(), 1u);
  EXPECT_EQ(layout.runs[0].offset, 0u);
  EXPECT_EQ(layout.runs[0].bytes, 2 * kBlock);
  EXPECT_EQ(layout.runs[0].required, 100u + 4040);
  EXPECT_EQ(layout.bytes, 2 * kBlock);
  EXPECT_EQ(layout.pieces[0].place, 140u);
  EXPECT_EQ(layout.pieces[1].place, 100u);
}

TEST(PartLayout, LeavesOutWhatLiesBetween) {
  ModelBuilder builder;
  const uint32_t a = builder.add("a", {10});
  builder.add("between", {5 * kBlock / 4});
  const uint32_t c = builder.add("c", {10});
  const FakeModel fake = builder.build();
  const PartLayout layout = lay_out(*fake.model, std::vector<uint32_t>{a, c});
  ASSERT_EQ(layout.runs.size(), 2u);
  EXPECT_EQ(layout.bytes, 2 * kBlock);
  EXPECT_EQ(layout.runs[1].offset, 5 * kBlock);
  EXPECT_EQ(layout.runs[1].place, kBlock);
  EXPECT_EQ(layout.pieces[1].place, kBlock + 40);
}

TEST(PartLayout, JoinsRunsThatTouchAfterAlignment) {
  ModelBuilder builder;
  const uint32_t a = builder.add("a", {kBlock / 4});
  const uint32_t b = builder.add("b", {kBlock / 4});
  const FakeModel fake = builder.build();
  EXPECT_EQ(lay_out(*fake.model, std::vector<uint32_t>{a, b}).runs.size(), 1u);
}

TEST(PartLayout, TakesARepeatedTensorOnceAndAnEmptyOneNot) {
  ModelBuilder builder;
  const uint32_t a = builder.add("a", {10});
  const uint32_t empty = builder.add("empty", {0, 7});
  const FakeModel fake = builder.build();
  EXPECT_EQ(lay_out(*fake.model, std::vector<uint32_t>{a, a, empty}).bytes, kBlock);
  EXPECT_EQ(lay_out(*fake.model, std::vector<uint32_t>{empty}).bytes, 0u);
}

}  // namespace
}  // namespace hyperion
