#include "memory/source.h"

#include "memory/checked_pool.h"
#include "memory/shared_pool.h"

namespace hyperion {

Result<std::unique_ptr<MemoryResource>> make_source(const SourceConfig& config,
                                                    MemoryResource& upstream) {
  if (const auto* strategy = std::get_if<StrategyConfig>(&config)) {
    if (Status status = check(*strategy); !status.ok()) return status;
    return make_strategy(*strategy, upstream);
  }
  const auto& [pool, thread_safe] = std::get<PoolSource>(config);
  if (thread_safe) return SharedPool::create(upstream, pool);
  return CheckedPool::create(upstream, pool);
}

bool grows(const SourceConfig& config) {
  if (const auto* strategy = std::get_if<StrategyConfig>(&config)) {
    return strategy->kind != StrategyConfig::Kind::fixed;
  }
  return std::get<PoolSource>(config).pool.growable;
}

uint64_t pool_capacity(const MemoryResource& source) {
  if (const auto* pool = dynamic_cast<const CheckedPool*>(&source)) return pool->capacity();
  if (const auto* pool = dynamic_cast<const SharedPool*>(&source)) return pool->capacity();
  return 0;
}

}  // namespace hyperion
