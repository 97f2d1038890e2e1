// A pass that waits for a disk which does not answer ends all the same.
#include <gtest/gtest.h>

#include "platform/clock.h"
#include "support/sessions.h"

namespace hyperion {
namespace {

// What bounds it: the engine thread waits for a condition, never for a read, so that it takes a
// wake-up; a task of a computation takes a few milliseconds.
TEST(Abort, EndsAPassWithinFiftyMillisecondsWhateverTheDiskDoes) {
  const TinyLlama network = make_tiny_llama({});
  const std::vector<int32_t> ids = some_ids(12);
  SessionOptions options;
  options.budget =
      Requirements(network.graph, *network.fake.model, options).smallest_budget(ids.size());
  const std::vector<float> expected = all_logits(*open(network, options), ids, network.shape.vocab);
  FakeFile& file = *network.fake.file;
  double least = 1e9;
  for (int attempt = 0; attempt < 5; ++attempt) {
    const auto session = open(network, options);
    file.shut_gate();
    std::promise<Status> outcome;
    ASSERT_TRUE(
        start(*session, ids, [&](const Status& status) { outcome.set_value(status); }).ok());
    file.await_waiting(1);
    const double began = now_ms();
    session->cancel();
    EXPECT_EQ(outcome.get_future().get().code(), Code::cancelled);
    least = std::min(least, now_ms() - began);
    file.open_gate();
    EXPECT_EQ(all_logits(*session, ids, network.shape.vocab), expected);
  }
  EXPECT_LT(least, 50);
}

}  // namespace
}  // namespace hyperion
