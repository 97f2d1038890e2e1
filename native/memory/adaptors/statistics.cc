#include "memory/adaptors/statistics.h"

#include <algorithm>

namespace hyperion {
namespace {

// Adds a level to the one beneath it.
void add(const AllocationCounters& upper, AllocationCounters& lower) {
  lower.peak = std::max(lower.peak, lower.current + upper.peak);
  lower.current += upper.current;
  lower.total_allocated += upper.total_allocated;
  lower.allocations += upper.allocations;
  lower.frees += upper.frees;
}

}  // namespace

std::byte* Statistics::allocate(const Request& request) {
  std::byte* block = upstream_.allocate(request);
  if (block == nullptr) return nullptr;
  AllocationCounters& level = levels_.back();
  level.current += static_cast<int64_t>(request.bytes);
  level.peak = std::max(level.peak, level.current);
  level.total_allocated += request.bytes;
  ++level.allocations;
  return block;
}

FreeResult Statistics::free(std::byte* block, const Request& request) {
  const FreeResult result = upstream_.free(block, request);
  if (result != FreeResult::freed) return result;
  levels_.back().current -= static_cast<int64_t>(request.bytes);
  ++levels_.back().frees;
  return result;
}

void Statistics::reset() {
  int64_t bytes = 0;
  uint64_t blocks = 0;
  for (const AllocationCounters& level : levels_) {
    bytes += level.current;
    blocks += level.allocations - level.frees;
  }
  upstream_.reset();
  levels_.back().current -= bytes;
  levels_.back().frees += blocks;
}

AllocationCounters Statistics::whole() const {
  AllocationCounters whole = levels_.back();
  for (size_t i = levels_.size() - 1; i-- > 0;) {
    AllocationCounters level = levels_[i];
    add(whole, level);
    whole = level;
  }
  return whole;
}

Result<AllocationCounters> Statistics::pop() {
  if (levels_.size() == 1)
    return Status(Code::invalid, "no phase is open; begin one with pushCounters()");
  const AllocationCounters ended = levels_.back();
  levels_.pop_back();
  add(ended, levels_.back());
  return ended;
}

}  // namespace hyperion
