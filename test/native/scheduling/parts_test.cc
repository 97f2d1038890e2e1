#include "scheduling/parts.h"

#include <gtest/gtest.h>

#include "support/sessions.h"
#include "support/tiny_llama.h"

namespace hyperion {
namespace {

constexpr uint64_t kBytes = 64 * 1024;

TinyLlama make_larger(bool tied) {
  return make_tiny_llama(
      {.vocab = 700, .width = 144, .hidden = 400, .layers = 2, .tied = tied, .biases = true});
}

TEST(Parts, ASmallLayerIsOnePart) {
  const TinyLlama network = make_tiny_llama({});
  const Parts parts = cut(network.graph, *network.fake.model, kBytes);
  EXPECT_EQ(parts.parts.size(), network.graph.layers.size());
  for (const LayerTasks& layer : parts.layers) {
    for (const Task& task : layer.tasks) EXPECT_EQ(task.part, kNoPart);
  }
}

TEST(Parts, OfALargeLayerCoverEveryRowOnceAndStayWithinTheirSize) {
  const TinyLlama network = make_larger(true);
  const Parts parts = cut(network.graph, *network.fake.model, kBytes);
  for (const StoredPart& part : parts.parts) EXPECT_LE(part.layout.bytes, kBytes);
  for (size_t i = 1; i < network.graph.layers.size(); ++i) {
    const GraphLayer& layer = network.graph.layers[i];
    if (parts.layers[i].bytes > kBytes) {
      EXPECT_GT(parts.layers[i].tasks.size(), layer.ops.size());
    }
    for (size_t op = 0; op < layer.ops.size(); ++op) {
      const auto* product = std::get_if<MatMul>(&layer.ops[op]);
      if (product == nullptr) continue;
      uint64_t row = 0;
      for (const Task& task : parts.layers[i].tasks) {
        if (task.op != op) continue;
        EXPECT_EQ(task.begin, row);
        EXPECT_EQ(parts.parts[static_cast<size_t>(task.part)].layer, static_cast<int>(i));
        row = task.end;
      }
      EXPECT_EQ(row, network.graph.buffers[product->out].width);
    }
  }
}

// One part for each layer without a budget, rows under a small one.
TEST(Parts, GiveTheBitsOfWholeLayers) {
  for (const bool tied : {true, false}) {
    const TinyLlama network = make_tiny_llama({.vocab = 1500,
                                               .width = 256,
                                               .hidden = 700,
                                               .layers = 2,
                                               .tied = tied,
                                               .biases = true});
    const std::vector<int32_t> ids = some_ids(9, 1500);
    const auto logits = [&](uint64_t budget) {
      const auto session = open(network, {.budget = budget, .threads = 2});
      return all_logits(*session, ids, 1500);
    };
    const Requirements needs(network.graph, *network.fake.model, {.threads = 2});
    const std::vector<float> whole = logits(kUnlimited);
    EXPECT_EQ(whole, logits(needs.smallest_budget(9)));
    EXPECT_EQ(whole, logits(needs.smallest_budget(9) + 1'000'000));
    EXPECT_LT(needs.smallest_budget(9), needs.working_set(9) / 2);
  }
}

}  // namespace
}  // namespace hyperion
