// One session's counters and event log together: an event carries the counters of its time.
#pragma once

#include "monitoring/counters.h"
#include "monitoring/event_log.h"
#include "platform/clock.h"

namespace hyperion {

// Thread-safe.
struct Monitor {
  Counters counters;
  EventLog events;

  void record(EventKind kind, int layer, uint64_t bytes) {
    if (!events.running()) return;
    const MemoryCounts counts = counters.snapshot();
    events.record({now_ms(), kind, layer, bytes, counts.by_tag, counts.peak, counts.reserved});
  }
};

}  // namespace hyperion
