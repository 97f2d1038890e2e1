// What a program allocates from: a strategy or a pool under limits, with counters that nest, a
// trace on demand, and its blocks known by handles.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "memory/adaptors/limit.h"
#include "memory/adaptors/statistics.h"
#include "memory/adaptors/trace.h"
#include "memory/adaptors/tracking.h"
#include "memory/block_table.h"
#include "memory/block_tracker.h"
#include "memory/pages.h"
#include "memory/source.h"

namespace hyperion {

struct AllocatorConfig {
  uint64_t budget = kUnlimited;  // of pages held from the operating system
  uint64_t limit = kUnlimited;   // of bytes that live blocks ask for
  SourceConfig source;
};

// One thread at a time.
class Allocator {
 public:
  // INVALID, OVER_BUDGET or OUT_OF_MEMORY. `number` tells the handles of allocators apart.
  static Result<std::unique_ptr<Allocator>> create(const AllocatorConfig& config, uint64_t number);
  ~Allocator();

  // 0 when refused: see refusal(). REQUIRES: the request is valid, see resource.h.
  BlockHandle allocate(const Request& request);

  // False when the handle names no live block.
  bool free(BlockHandle handle);

  // The same for many; they stop at the first that fails and return how many were done. A request
  // of 0 bytes takes the bytes of each block from `sizes`. Handles are numbers as JavaScript has
  // them.
  size_t allocate_many(Request request, std::span<const double> sizes, std::span<double> handles);
  size_t free_many(std::span<const double> handles);

  // Why a block is refused, with numbers: what is asked, what is live, what is held and unused, the
  // largest free block, and the largest that would have fitted.
  Status refusal(const Request& request) const;

  // Frees every block.
  void reset();

  // Gives unused pages back to the operating system; returns their bytes.
  uint64_t trim() { return source_->trim(); }

  // Follows sizes, lifetimes and bytes over time from now on, or stops and forgets them.
  void track(bool on);

  // Follows allocations from now on, those of live blocks first.
  void start_trace();
  // What was followed; null when nothing was.
  std::unique_ptr<Trace> take_trace();

  // INVALID below what is used; both stay as they were then.
  Status set_limits(uint64_t budget, uint64_t limit);

  const BlockTable& blocks() const { return blocks_; }
  const BlockTracker* tracker() const { return tracker_.get(); }
  std::vector<LiveBlock> reserved_spans() const { return spans_.live(); }
  Usage usage() const { return source_->usage(); }
  const Budget& budget() const { return budget_; }
  uint64_t limit() const { return limit_->limit(); }
  Statistics& statistics() { return *statistics_; }
  MemoryResource& source() { return *source_; }

 private:
  Allocator(const AllocatorConfig& config, uint64_t number);
  BlockHandle take(const Request& request);
  // The block's bytes; 0 when the handle names no live block.
  uint64_t give_back(BlockHandle handle);
  UsageSample sample() const;

  const bool grows_;
  Budget budget_;
  Pages pages_{budget_};
  Tracking spans_{pages_};  // what is held from the operating system
  std::unique_ptr<MemoryResource> source_;
  std::optional<Limit> limit_;
  std::optional<Statistics> statistics_;
  std::unique_ptr<Trace> trace_;
  MemoryResource* top_ = nullptr;  // the statistics, or the trace while there is one
  BlockTable blocks_;
  std::unique_ptr<BlockTracker> tracker_;
};

}  // namespace hyperion
