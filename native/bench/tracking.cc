#include "bench/mixed.h"
#include "bench/page_resource.h"
#include "bench/workloads.h"
#include "memory/block_table.h"
#include "memory/dynamic.h"

namespace hyperion::bench {
namespace {

// Each block on record beside the resource: its tag, its size, its age, its place in the list of
// what is live; and a second free finds nothing. Owners know the size of what they free, as
// without.
class Recorded {
 public:
  Recorded(BlockTable& table, Dynamic& resource) : table_(table), resource_(resource) {}

  BlockHandle allocate(uint64_t bytes) {
    const Request request = {.bytes = bytes, .tag = 7};
    newest_ = resource_.allocate(request);
    return table_.add(newest_, request);
  }
  void free(BlockHandle handle, uint64_t bytes) {
    const TableBlock* found = table_.find(handle);
    if (found == nullptr) return;
    std::byte* data = found->data();
    table_.remove(handle);
    resource_.free(data, {.bytes = bytes, .tag = 7});
  }
  // Of the newest block, the one that is written.
  std::byte* data(BlockHandle) const { return newest_; }

 private:
  BlockTable& table_;
  Dynamic& resource_;
  std::byte* newest_ = nullptr;
};

// Both in turns, so that what else the machine does meets both alike.
template <class Bare, class Tracked>
void compare(const char* measure, uint64_t operations, const Bare& bare, const Tracked& tracked,
             const Options& options, Report& report) {
  std::vector<double> bare_ns;
  std::vector<double> tracked_ns;
  std::vector<double> more_ns;
  for (size_t i = 0; i <= options.repeats; ++i) {
    const double without = time_once(operations, bare);
    const double with = time_once(operations, tracked);
    if (i == 0) continue;  // to warm up
    bare_ns.push_back(without);
    tracked_ns.push_back(with);
    more_ns.push_back(with - without);
  }
  report.add("dynamic", measure, summarize(bare_ns));
  report.add("dynamic, tracked", measure, summarize(tracked_ns));
  report.add("tracking alone", measure, summarize(more_ns));
}

template <class Bare, class Tracked>
void compare_all(Bare bare, Tracked tracked, const Options& options, Report& report) {
  compare(
      "lifo", options.operations, [=](uint64_t n) { free_at_once(bare, kLoopBytes, n); },
      [=](uint64_t n) { free_at_once(tracked, kLoopBytes, n); }, options, report);
  Batch<Bare> bare_batch(bare, kLoopBytes);
  Batch<Tracked> tracked_batch(tracked, kLoopBytes);
  compare(
      "batch", options.operations, [&](uint64_t n) { bare_batch.run(n); },
      [&](uint64_t n) { tracked_batch.run(n); }, options, report);
  const Trace trace = trace_for(options);
  Replay<Bare> bare_replay(bare, trace);
  Replay<Tracked> tracked_replay(tracked, trace);
  compare(
      "trace", trace.slots.size(), [&](uint64_t) { bare_replay.run(); },
      [&](uint64_t) { tracked_replay.run(); }, options, report);
}

}  // namespace

void tracking(const Options& options, Report& report) {
  PageResource bare_pages;
  PageResource tracked_pages;
  Dynamic bare(bare_pages);
  Dynamic tracked(tracked_pages);
  BlockTable table(1);
  compare_all(Through<Dynamic>(bare), Recorded(table, tracked), options, report);
}

}  // namespace hyperion::bench
