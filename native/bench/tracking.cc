#include "memory/adaptors/tracking.h"

#include "bench/mixed.h"
#include "bench/page_resource.h"
#include "bench/workloads.h"
#include "memory/dynamic.h"

namespace hyperion::bench {
namespace {

// Both replay in turns, so that what else the machine does meets both alike.
template <class Bare, class Tracked>
void measure_both(Bare bare, Tracked tracked, const Options& options, Report& report) {
  const Trace trace = trace_for(options);
  Replay<Bare> bare_replay(bare, trace);
  Replay<Tracked> tracked_replay(tracked, trace);
  std::vector<double> bare_ns;
  std::vector<double> tracked_ns;
  std::vector<double> more_ns;
  for (size_t i = 0; i <= options.repeats; ++i) {
    const double without = time_once(trace.slots.size(), [&](uint64_t) { bare_replay.run(); });
    const double with = time_once(trace.slots.size(), [&](uint64_t) { tracked_replay.run(); });
    if (i == 0) continue;  // to warm up
    bare_ns.push_back(without);
    tracked_ns.push_back(with);
    more_ns.push_back(with - without);
  }
  report.add("dynamic", "trace", summarize(bare_ns));
  report.add("dynamic, tracked", "trace", summarize(tracked_ns));
  report.add("tracking alone", "trace", summarize(more_ns));
}

}  // namespace

void tracking(const Options& options, Report& report) {
  PageResource bare_pages;
  PageResource tracked_pages;
  Dynamic bare(bare_pages);
  Dynamic upstream(tracked_pages);
  Tracking tracked(upstream);
  measure_both(Through<Dynamic>(bare), Through<Tracking>(tracked), options, report);
}

}  // namespace hyperion::bench
