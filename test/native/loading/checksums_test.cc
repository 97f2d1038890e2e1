#include "loading/checksums.h"

#include <gtest/gtest.h>

#include "loading/layer_store.h"
#include "support/models.h"
#include "support/status_details.h"

namespace hyperion {
namespace {

constexpr uint64_t kPage = 4096;

// Layers of three parts, a tensor of two pages each, with odd bytes between them; all that lies in
// a layer has a checksum.
class CheckedStore {
 public:
  explicit CheckedStore(uint64_t pages, size_t window = 2) : memory_(pages * kPage, monitor_) {
    ModelBuilder builder;
    for (uint32_t i = 0; i < 9; ++i) {
      builder.add("tensor" + std::to_string(i), {2 * kPage / 4});
      builder.skip(i % 3 == 2 ? kPage : 52);
    }
    for (uint32_t i = 0; i < 9; i += 3) builder.check("part of " + std::to_string(i / 3), i, i + 2);
    fake_ = builder.build();
    for (uint32_t i = 0; i < 9; ++i) {
      parts_.push_back({"layer" + std::to_string(i / 3), static_cast<int>(i / 3),
                        lay_out(*fake_.model, std::vector{i})});
    }
    store_ = std::make_unique<LayerStore>(*fake_.model, parts_, memory_,
                                          StoreOptions{.prefetch_window = window}, cancelled_);
  }

  // A pass over all parts, up to the first that fails.
  Status pass(std::vector<int> order = {0, 1, 2, 3, 4, 5, 6, 7, 8}) {
    store_->begin_pass(order, order);
    for (const int part : order) {
      Result<PartPin> pin = store_->acquire(part);
      if (!pin.ok()) return pin.status();
    }
    return {};
  }

  uint64_t offset_of(uint32_t tensor) const { return fake_.model->tensors()[tensor].offset; }
  FakeFile& file() { return *fake_.file; }
  LayerStore& store() { return *store_; }
  const Model& model() const { return *fake_.model; }
  const std::vector<StoredPart>& parts() const { return parts_; }

 private:
  Monitor monitor_;
  EngineMemory memory_;
  FakeModel fake_;
  std::vector<StoredPart> parts_;
  std::atomic<bool> cancelled_ = false;
  std::unique_ptr<LayerStore> store_;
};

TEST(Checksums, AnyByteOfALayerThatIsAnotherIsFoundBeforeThePassEnds) {
  for (const uint32_t tensor : {3u, 4u, 5u}) {
    for (const uint64_t budget : {6u, 12u, 40u}) {
      CheckedStore store(budget);
      store.file().flip(store.offset_of(tensor) + 2 * kPage - 1);
      const Status status = store.pass();
      EXPECT_EQ(status.code(), Code::corrupt);
      EXPECT_NE(status.message().find("layer layer1: "), std::string::npos) << status.message();
      EXPECT_NE(status.message().find("'part of 1'"), std::string::npos);
      EXPECT_EQ(detail(status, "offset"), static_cast<double>(store.offset_of(3)));
      // What was written between tensors is checked too, and the rest of the model is as it was.
      EXPECT_TRUE(store.pass({0, 1, 2, 6, 7, 8}).ok());
    }
  }
}

TEST(Checksums, WhatIsReadRightTheNextTimeIsUsed) {
  for (const uint64_t budget : {6u, 12u, 40u}) {
    CheckedStore store(budget);
    store.file().flip(store.offset_of(4));
    EXPECT_EQ(store.pass().code(), Code::corrupt);
    EXPECT_EQ(store.pass().code(), Code::corrupt);
    store.file().flip(store.offset_of(4));
    EXPECT_TRUE(store.pass().ok());
    EXPECT_TRUE(store.pass().ok());
  }
}

TEST(Checksums, AByteBetweenTensorsCounts) {
  CheckedStore store(40);
  store.file().flip(store.offset_of(1) - 20);
  EXPECT_EQ(store.pass().code(), Code::corrupt);
}

TEST(Checksums, ThePartThatIsReadAheadFailsOnlyWhoeverWantsIt) {
  CheckedStore store(40, 7);
  store.file().flip(store.offset_of(8));
  EXPECT_TRUE(store.pass({0, 1, 2, 3, 4, 5}).ok());
  EXPECT_EQ(store.pass().code(), Code::corrupt);
}

TEST(Checksums, ARangeThatThePartsDoNotCoverIsNotJudged) {
  CheckedStore store(40);
  std::vector<StoredPart> some(store.parts().begin(), store.parts().begin() + 5);
  const Checksums checksums(store.model(), some);
  for (int part = 0; part < 5; ++part) EXPECT_EQ(checksums.awaits(part), part < 3) << part;
}

TEST(Checksums, OfBytesThatNoFileHasAreRefused) {
  ModelBuilder builder;
  builder.add("tensor", {4});
  const auto open = [&](CheckedRange range) {
    std::vector<ModelFile> files;
    files.push_back({std::make_unique<FakeFile>("fake", std::vector<std::byte>(16)), nullptr});
    return Model::create(std::move(files), {}, {range}).status().code();
  };
  EXPECT_EQ(open({"all", 0, 0, 16, 0}), Code::ok);
  EXPECT_EQ(open({"more", 0, 0, 17, 0}), Code::bad_format);
  EXPECT_EQ(open({"far", 0, ~uint64_t{0}, 2, 0}), Code::bad_format);
  EXPECT_EQ(open({"elsewhere", 1, 0, 1, 0}), Code::bad_format);
}

}  // namespace
}  // namespace hyperion
