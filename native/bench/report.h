// What a workload measured, as one line of JSON.
#pragma once

#include <string>
#include <vector>

#include "bench/timing.h"

namespace hyperion::bench {

class Report {
 public:
  // Nanoseconds of an operation.
  void add(const char* subject, const char* measure, const Timing& timing) {
    rows_.push_back({subject, measure, "ns", timing});
  }
  void add_ratio(const char* subject, const char* measure, double ratio) {
    rows_.push_back({subject, measure, "ratio", {ratio, ratio}});
  }

  // {"workload", "pinned", "repeats", "operations", "results": [{"subject", "measure", "unit",
  // "least", "median"}]}
  std::string json(const char* workload, bool pinned, const Options& options) const;

 private:
  struct Row {
    const char* subject;
    const char* measure;
    const char* unit;
    Timing timing;
  };
  std::vector<Row> rows_;
};

}  // namespace hyperion::bench
