// What an allocator of any size is asked for: the loops of a pool, the trace, and what it costs in
// resident memory.
#pragma once

#include "bench/allocators.h"
#include "bench/loops.h"
#include "bench/report.h"
#include "bench/trace.h"

namespace hyperion::bench {

template <class Allocator>
Timing measure_trace(Allocator allocator, const Trace& trace, size_t repeats) {
  Replay<Allocator> replay(allocator, trace);
  return measure({.repeats = repeats, .operations = trace.slots.size()},
                 [&](uint64_t) { replay.run(); });
}

// The trace is long enough for every block to have been replaced many times.
inline Trace trace_for(const Options& options) {
  return Trace(std::max<uint64_t>(options.operations / 4, 2 * Trace::kLive));
}

// REQUIRES: nothing was allocated before: what others have used and freed would be resident
// already.
template <class Allocator>
void measure_mixed(const char* subject, Allocator allocator, const Options& options,
                   Report& report) {
  const Trace trace = trace_for(options);
  {
    const uint64_t before = process_memory().resident;
    Replay<Allocator> replay(allocator, trace);
    report.add_ratio(subject, "resident", replay.resident_ratio(before));
  }
  report.add(subject, "trace", measure_trace(allocator, trace, options.repeats));
  measure_loops(subject, allocator, options, report);
}

}  // namespace hyperion::bench
