// What one session's bytes come from: a strategy over pages under the session's budget, counted by
// tag, with layers given up when the budget has no more.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "memory/adaptors/trace.h"
#include "memory/adaptors/tracking.h"
#include "memory/pages.h"
#include "memory/strategy.h"
#include "monitoring/monitor.h"

namespace hyperion {

// Thread-safe. All blocks are whole pages at pages' boundaries.
class EngineMemory {
 public:
  // Frees some blocks, or returns false when nothing can be freed.
  using Reclaim = std::function<bool()>;

  // REQUIRES: monitor outlives this.
  EngineMemory(uint64_t budget, Monitor& monitor);

  // Replaces the strategy, which is `dynamic` at first. INVALID, OVER_BUDGET or OUT_OF_MEMORY when
  // it cannot hold what it holds from the start. A trace that runs ends. REQUIRES: no block is
  // live.
  Status use(const StrategyConfig& config);

  // Called by allocate(), with no lock of this held, until the block fits. Set before the first
  // allocation.
  void set_reclaim(Reclaim reclaim) { reclaim_ = std::move(reclaim); }

  // The budget from now on. While more is held, see settle(), blocks are refused.
  void set_budget(uint64_t bytes) { budget_.force_limit(bytes); }

  // Reclaims until no more is held than the budget allows; false when nothing more can be reclaimed
  // now.
  bool settle();

  // Reclaims as needed. OVER_BUDGET or OUT_OF_MEMORY; nothing has changed then.
  // REQUIRES: bytes is a positive multiple of kPageSize.
  Result<std::byte*> allocate(Tag tag, uint64_t bytes);

  // Only if the block fits now; else null, see refusal().
  std::byte* try_allocate(Tag tag, uint64_t bytes);

  void free(Tag tag, std::byte* block, uint64_t bytes);

  // Beneath the strategy, for what comes and goes apart from the session's work.
  Result<std::byte*> map_pages(Tag tag, uint64_t bytes);
  void unmap_pages(Tag tag, std::byte* block, uint64_t bytes);

  // Why a block is refused: what is asked, what is held and for what.
  Status refusal(Tag tag, uint64_t bytes) const;

  // What the budget pays for a block, at most.
  uint64_t footprint(uint64_t bytes) const { return hyperion::footprint(config_, bytes, 1); }

  // The footprint of a layer for which there is room without reclaiming.
  uint64_t available() const;

  // Whether the room of a freed block can be had again whatever lies around it.
  bool reuses_any_room() const { return config_.kind != StrategyConfig::Kind::fixed; }

  Usage usage() const;
  const Budget& budget() const { return budget_; }
  Monitor& monitor() { return monitor_; }

  // The live blocks, oldest first (pages of their own before them, numbered 0), and what is held
  // from the operating system.
  std::vector<LiveBlock> blocks() const;
  std::vector<LiveBlock> reserved_spans() const;

  // Follows allocations from now on, those of live blocks first; a trace that runs begins anew.
  void start_trace();
  // What was followed; null when nothing was.
  std::unique_ptr<Trace> take_trace();

 private:
  // Where a block comes from: the strategy, or the pages beneath it.
  enum class Source { strategy, pages };
  Result<std::byte*> take_or_reclaim(Source source, Tag tag, uint64_t bytes);
  std::byte* take(Source source, Tag tag, uint64_t bytes);
  std::byte* take_pages(const Request& request);
  Status refusal(Source source, Tag tag, uint64_t bytes) const;
  void give_back(Source source, Tag tag, std::byte* block, uint64_t bytes);
  MemoryResource& top();

  Monitor& monitor_;
  Budget budget_;
  Pages pages_{budget_};
  Tracking spans_{pages_};
  // Blocks that do not come from the strategy. (Of its own class it would be a copy.)
  Tracking mapped_{static_cast<MemoryResource&>(spans_)};
  StrategyConfig config_;
  Reclaim reclaim_;
  mutable std::mutex mutex_;  // of all resources of this
  std::unique_ptr<MemoryResource> strategy_;
  std::unique_ptr<Tracking> blocks_;  // over the strategy
  std::unique_ptr<Trace> trace_;
};

}  // namespace hyperion
