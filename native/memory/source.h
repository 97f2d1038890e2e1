// Where an allocator's blocks come from: one of the strategies, or a pool.
#pragma once

#include <memory>
#include <variant>

#include "memory/pool_chunks.h"
#include "memory/strategy.h"

namespace hyperion {

struct PoolSource {
  PoolConfig pool;
  bool thread_safe = false;
};

using SourceConfig = std::variant<StrategyConfig, PoolSource>;

// INVALID, or the upstream's refusal of what the source holds from the start.
// REQUIRES: the upstream outlives the source.
Result<std::unique_ptr<MemoryResource>> make_source(const SourceConfig& config,
                                                    MemoryResource& upstream);

// Whether the source takes more from its upstream when it is full.
bool grows(const SourceConfig& config);

// Blocks that a pool has, live and free; 0 of other sources.
uint64_t pool_capacity(const MemoryResource& source);

}  // namespace hyperion
