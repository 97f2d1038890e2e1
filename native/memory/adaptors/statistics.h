// Counts requested bytes and blocks, as a whole and by phase: levels nest, and each has a peak of
// its own.
#pragma once

#include <vector>

#include "memory/adaptors/adaptor.h"

namespace hyperion {

// Of requested bytes, since the level began.
struct AllocationCounters {
  int64_t current = 0;  // negative when a phase frees what was allocated before it
  int64_t peak = 0;     // the largest value of current; never below 0
  uint64_t total_allocated = 0;
  uint64_t allocations = 0;
  uint64_t frees = 0;
};

class Statistics final : public Adaptor {
 public:
  using Adaptor::Adaptor;

  std::byte* allocate(const Request& request) override;
  FreeResult free(std::byte* block, const Request& request) override;
  // Counts as frees of all that is live. What that is stands in the levels together.
  void reset() override;

  // Of the innermost level.
  const AllocationCounters& counters() const { return levels_.back(); }

  // Of all levels together: as if none had been pushed.
  AllocationCounters whole() const;

  // Begins a level at zero.
  void push() { levels_.emplace_back(); }

  // Ends the innermost level, adds its counters to the level beneath and returns them: the peak
  // there becomes what it would have been without the level. INVALID when no push() is open.
  Result<AllocationCounters> pop();

 private:
  std::vector<AllocationCounters> levels_ = std::vector<AllocationCounters>(1);  // never empty
};

}  // namespace hyperion
