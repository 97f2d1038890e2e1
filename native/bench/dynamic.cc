#include "memory/dynamic.h"

#include "bench/mixed.h"
#include "bench/page_resource.h"
#include "bench/workloads.h"

namespace hyperion::bench {

void dynamic(const Options& options, Report& report) {
  PageResource upstream;
  Dynamic strategy(upstream);
  measure_mixed("dynamic", Through<Dynamic>(strategy), options, report);
}

}  // namespace hyperion::bench
