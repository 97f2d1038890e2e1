#include "bench/mixed.h"
#include "bench/workloads.h"

namespace hyperion::bench {

void general(const Options& options, Report& report) {
  measure_mixed("malloc", Heap(), options, report);
}

}  // namespace hyperion::bench
