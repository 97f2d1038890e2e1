// The memory guide's strategies by name: one way to configure, check and make each.
#pragma once

#include <memory>

#include "memory/resource.h"

namespace hyperion {

struct StrategyConfig {
  enum class Kind {
    fixed,    // Arena: the guide's `static`
    pooled,   // Pooled
    dynamic,  // Dynamic
    hybrid,   // Hybrid over Dynamic
  } kind = Kind::dynamic;
  // Bytes taken at the start and kept: all of `fixed`, which needs them; the initial pool of
  // `pooled`; the arena of `hybrid`, 1 MiB when 0. `dynamic` takes none.
  uint64_t initial_pool_size = 0;
  uint64_t block_size = 0;           // the smallest class of `pooled`, 4096 when 0
  bool enable_optimization = false;  // of `hybrid`
};

// INVALID, naming the option and its limit. Options that a strategy has no use for are left alone,
// but must be possible.
Status check(const StrategyConfig& config);

// Fails as check() does, or with the upstream's refusal of the initial pool.
// REQUIRES: the upstream outlives the strategy.
Result<std::unique_ptr<MemoryResource>> make_strategy(const StrategyConfig& config,
                                                      MemoryResource& upstream);

// An upper bound of the bytes that `count` live blocks of `bytes` at page alignment take from the
// upstream beyond overhead(). REQUIRES: check() is OK; bytes are whole pages; the result is
// representable.
uint64_t footprint(const StrategyConfig& config, uint64_t bytes, uint64_t count);

// Bytes that a strategy holds whatever lives, besides blocks' own: the initial pool of `pooled`,
// the arena of `hybrid`. The pool of `fixed` is where its blocks lie, and is none.
uint64_t overhead(const StrategyConfig& config);

}  // namespace hyperion
