#include "bench/report.h"

#include <cstdarg>
#include <cstdio>

namespace hyperion::bench {
namespace {

// Longer than any line of numbers and names that is written here.
constexpr size_t kLongest = 512;

[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...) {
  char text[kLongest];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}

}  // namespace

std::string Report::json(const char* workload, bool pinned, const Options& options) const {
  std::string json =
      format(R"({"workload":"%s","pinned":%s,"repeats":%zu,"operations":%llu,"results":[)",
             workload, pinned ? "true" : "false", options.repeats,
             static_cast<unsigned long long>(options.operations));
  const char* separator = "";
  for (const Row& row : rows_) {
    json +=
        format(R"(%s{"subject":"%s","measure":"%s","unit":"%s","least":%.4f,"median":%.4f})",
               separator, row.subject, row.measure, row.unit, row.timing.least, row.timing.median);
    separator = ",";
  }
  return json + "]}";
}

}  // namespace hyperion::bench
