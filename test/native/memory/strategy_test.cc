#include "memory/strategy.h"

#include <gtest/gtest.h>

#include "platform/pages.h"
#include "support/block_model.h"
#include "support/heap_resource.h"

namespace hyperion {
namespace {

using Kind = StrategyConfig::Kind;

TEST(Strategy, ImpossibleOptionsAreInvalidByName) {
  const auto refused = [](const StrategyConfig& config, const std::string& option) {
    HeapResource upstream;
    const Status status = check(config);
    EXPECT_EQ(status.code(), Code::invalid);
    EXPECT_EQ(status.message().rfind(option, 0), 0u) << status.message();
    EXPECT_EQ(make_strategy(config, upstream).status().code(), Code::invalid);
  };
  refused({.kind = Kind::fixed}, "initialPoolSize");
  refused({.kind = Kind::hybrid, .initial_pool_size = kLargestBlock + 1}, "initialPoolSize");
  refused({.kind = Kind::pooled, .block_size = 100}, "blockSize");
  refused({.kind = Kind::pooled, .block_size = 2ull << 30}, "blockSize");
}

TEST(Strategy, AnInitialPoolThatDoesNotFitIsTheUpstreamsRefusal) {
  for (const Kind kind : {Kind::fixed, Kind::pooled, Kind::hybrid}) {
    HeapResource upstream(1 << 20);
    const auto made = make_strategy({.kind = kind, .initial_pool_size = 2 << 20}, upstream);
    EXPECT_EQ(made.status().code(), Code::out_of_memory);
  }
}

TEST(Strategy, OverheadAndFootprintBoundWhatWholePagesTake) {
  std::mt19937_64 random(13);
  for (const Kind kind : {Kind::fixed, Kind::pooled, Kind::dynamic, Kind::hybrid}) {
    for (const uint64_t pages : {1, 3, 8, 20}) {
      HeapResource upstream;
      const uint64_t bytes = pages * kPageSize;
      StrategyConfig config = {.kind = kind};
      if (kind == Kind::fixed) config.initial_pool_size = footprint(config, bytes, 30);
      const auto made = make_strategy(config, upstream);
      ASSERT_TRUE(made.ok());
      EXPECT_EQ(upstream.usage().reserved,
                kind == Kind::fixed ? config.initial_pool_size : overhead(config));
      BlockModel model(*made.value());
      for (int round = 0; round < 20; ++round) {
        while (model.live() < 30) {
          ASSERT_TRUE(model.allocate({bytes, kPageSize, 0, Lifetime(random() % 2)}));
        }
        // The arena of `fixed` has room again in reverse order only.
        kind == Kind::fixed ? model.free_all() : model.free_some(random, random() % 30);
      }
      EXPECT_LE(upstream.peak(), overhead(config) + footprint(config, bytes, 30));
    }
  }
}

}  // namespace
}  // namespace hyperion
