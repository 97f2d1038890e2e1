// Every read of a streaming pass in turn fails: once, and for good.
#include <gtest/gtest.h>

#include "memory/budget.h"
#include "support/sessions.h"

namespace hyperion {
namespace {

class ReadFaults : public testing::Test {
 protected:
  ReadFaults() {
    options_.budget =
        Requirements(network_.graph, *network_.fake.model, options_).smallest_budget(ids_.size());
    FakeFile& file = *network_.fake.file;
    const uint64_t before = file.reads();
    expected_ = all_logits(*open(network_, options_), ids_, network_.shape.vocab);
    reads_ = file.reads() - before;
  }

  const TinyLlama network_ = make_tiny_llama({});
  const std::vector<int32_t> ids_ = some_ids(12);
  SessionOptions options_ = {.readers = 1};
  std::vector<float> expected_;
  uint64_t reads_ = 0;  // of a pass
};

TEST_F(ReadFaults, ThatPassAreNotNoticed) {
  for (uint64_t n = 0; n < reads_; ++n) {
    const auto session = open(network_, options_);
    network_.fake.file->fail_read(n);
    ASSERT_EQ(all_logits(*session, ids_, network_.shape.vocab), expected_) << n;
  }
}

TEST_F(ReadFaults, ForGoodFailThePassAndLeaveTheSessionUsable) {
  const uint64_t before = live_bytes();
  for (uint64_t n = 0; n < reads_; ++n) {
    const auto session = open(network_, options_);
    network_.fake.file->fail_read(n, true);
    std::vector<float> logits(expected_.size());
    const Status status = forward(*session, ids_, logits);
    if (status.ok()) {
      // What failed was read ahead, for a pass that did not come.
      ASSERT_GT(n, 0u);
      ASSERT_EQ(logits, expected_) << n;
    } else {
      ASSERT_EQ(status.code(), Code::io) << n;
      ASSERT_NE(status.message().find("tried 3 times"), std::string::npos) << status.message();
    }
    network_.fake.file->heal();
    ASSERT_EQ(status.ok() ? expected_ : all_logits(*session, ids_, network_.shape.vocab), expected_)
        << n;
    session->close();
    ASSERT_EQ(live_bytes(), before) << n;
  }
}

}  // namespace
}  // namespace hyperion
