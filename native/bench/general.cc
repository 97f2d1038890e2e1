#include "bench/mixed.h"
#include "bench/workloads.h"

namespace hyperion::bench {

void general(const Options& options, Report& report) {
  Heap heap;
  measure_mixed("malloc", heap, options, report);
}

}  // namespace hyperion::bench
