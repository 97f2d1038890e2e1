#include "memory/strategy.h"

#include <utility>

#include "base/checked.h"
#include "base/format.h"
#include "memory/arena.h"
#include "memory/dynamic.h"
#include "memory/hybrid.h"
#include "memory/pooled.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

using Kind = StrategyConfig::Kind;
using Strategy = Result<std::unique_ptr<MemoryResource>>;

PooledConfig pooled_config(const StrategyConfig& config) {
  PooledConfig pooled = {.initial_pool_size = config.initial_pool_size};
  if (config.block_size > 0) pooled.block_size = config.block_size;
  return pooled;
}

HybridConfig hybrid_config(const StrategyConfig& config) {
  HybridConfig hybrid = {.enable_optimization = config.enable_optimization};
  if (config.initial_pool_size > 0) hybrid.initial_pool_size = config.initial_pool_size;
  return hybrid;
}

Status invalid(const std::string& sentence) {
  return Status(Code::invalid, sentence);
}

}  // namespace

Status check(const StrategyConfig& config) {
  if (config.initial_pool_size > kLargestBlock) {
    return invalid("initialPoolSize is " + format_bytes(config.initial_pool_size) +
                   "; the largest is " + format_bytes(kLargestBlock));
  }
  if (config.kind == Kind::fixed && config.initial_pool_size == 0) {
    return invalid(
        "initialPoolSize is 0 B; the static strategy never grows, so it needs the bytes of all "
        "blocks that live at one time");
  }
  if (config.block_size % kDefaultAlignment != 0) {
    return invalid("blockSize is " + std::to_string(config.block_size) +
                   " B; it must be a multiple of " + format_bytes(kDefaultAlignment));
  }
  if (config.block_size > kLargestPooled) {
    return invalid("blockSize is " + format_bytes(config.block_size) + "; the largest is " +
                   format_bytes(kLargestPooled));
  }
  return {};
}

Strategy make_strategy(const StrategyConfig& config, MemoryResource& upstream) {
  if (Status status = check(config); !status.ok()) return status;
  switch (config.kind) {
    case Kind::fixed:
      return Arena::create(upstream, config.initial_pool_size);
    case Kind::pooled:
      return Pooled::create(pooled_config(config), upstream);
    case Kind::dynamic:
      break;
    case Kind::hybrid:
      return Hybrid::create(hybrid_config(config), upstream, std::make_unique<Dynamic>(upstream));
  }
  return std::unique_ptr<MemoryResource>(std::make_unique<Dynamic>(upstream));
}

uint64_t footprint(const StrategyConfig& config, uint64_t bytes, uint64_t count) {
  if (config.kind == Kind::pooled) return pooled_footprint(pooled_config(config), bytes, count);
  return count * bytes;
}

uint64_t overhead(const StrategyConfig& config) {
  switch (config.kind) {
    case Kind::fixed:
    case Kind::dynamic:
      break;
    case Kind::pooled:
      return round_up(config.initial_pool_size, kPageSize);
    case Kind::hybrid:
      return round_up(hybrid_config(config).initial_pool_size, kPageSize);
  }
  return 0;
}

}  // namespace hyperion
