// A trace run through a fresh source: what it would have cost there.
#pragma once

#include <optional>
#include <span>

#include "memory/adaptors/trace.h"
#include "memory/allocator.h"

namespace hyperion {

// Sizes in bytes.
struct ReplayResult {
  uint64_t reserved_peak = 0;
  uint64_t requested_peak = 0;  // no source can hold less
  Usage at_peak;                // of the source, when most was asked for
  double nanoseconds_per_operation = 0;
  std::optional<size_t> failed_at;  // the event that was refused; what came before it counts
  Status failure;
};

// Blocks are neither written nor read, so little of what is reserved becomes resident. INVALID for
// a trace that frees what it never allocated, and for a source that cannot be.
Result<ReplayResult> replay(std::span<const TraceEvent> events, const AllocatorConfig& config);

}  // namespace hyperion
