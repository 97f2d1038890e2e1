// The workloads, each in a file of its own. A subject's name is its row in the report.
#pragma once

#include "bench/report.h"
#include "bench/timing.h"

namespace hyperion::bench {

// Pools of one block size against the floor and boost::pool: `lifo` and `batch`, 64-byte blocks.
void pools(const Options& options, Report& report);

// malloc of the process, as a program would use it: `lifo`, `batch`, `trace`, `resident`.
void general(const Options& options, Report& report);

// The same with the `dynamic` strategy.
void dynamic(const Options& options, Report& report);

// The trace through `dynamic`, bare and with every block on record, and the difference.
void tracking(const Options& options, Report& report);

// `lifo` on one pool by one thread and by two at once: a shared pool, and one that is locked by a
// mutex.
void threads(const Options& options, Report& report);

}  // namespace hyperion::bench
