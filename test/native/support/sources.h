// Every source that an allocator's blocks can come from, for suites that ask the same of each.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "memory/source.h"

namespace hyperion {

struct NamedSource {
  const char* name;
  SourceConfig config;
  // The largest block and alignment that it serves.
  uint64_t largest = 256 << 10;
  uint64_t alignment = 64 << 10;
};

inline constexpr uint64_t kSourceBytes = 16 << 20;  // what sources of one size hold

inline const NamedSource kSources[] = {
    {"Static",
     StrategyConfig{.kind = StrategyConfig::Kind::fixed, .initial_pool_size = kSourceBytes}},
    {"Pooled", StrategyConfig{.kind = StrategyConfig::Kind::pooled}},
    {"PooledSmallPrefilled",
     StrategyConfig{
         .kind = StrategyConfig::Kind::pooled, .initial_pool_size = 1 << 20, .block_size = 32}},
    {"Dynamic", StrategyConfig{.kind = StrategyConfig::Kind::dynamic}},
    {"Hybrid", StrategyConfig{.kind = StrategyConfig::Kind::hybrid}},
    {"HybridOptimizing",
     StrategyConfig{.kind = StrategyConfig::Kind::hybrid, .enable_optimization = true}},
    {"Pool", PoolSource{{.size = kSourceBytes, .block_size = 4096}}, 4096, 4096},
    {"PoolGrowing", PoolSource{{.size = 64 << 10, .block_size = 4096, .growable = true}}, 4096,
     4096},
    {"PoolForThreads",
     PoolSource{.pool = {.size = kSourceBytes, .block_size = 4096}, .thread_safe = true}, 4096,
     4096},
};

inline std::string name_of_source(const testing::TestParamInfo<NamedSource>& source) {
  return source.param.name;
}

}  // namespace hyperion
