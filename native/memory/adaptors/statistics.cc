#include "memory/adaptors/statistics.h"

#include <algorithm>

namespace hyperion {

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

Result<AllocationCounters> Statistics::pop() {
  if (levels_.size() == 1) return Status(Code::invalid, "pop() without an open push()");
  const AllocationCounters ended = levels_.back();
  levels_.pop_back();
  AllocationCounters& level = levels_.back();
  level.peak = std::max(level.peak, level.current + ended.peak);
  level.current += ended.current;
  level.total_allocated += ended.total_allocated;
  level.allocations += ended.allocations;
  level.frees += ended.frees;
  return ended;
}

}  // namespace hyperion
