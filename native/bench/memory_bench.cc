// Measures one workload and prints one JSON object: what `hyperion bench memory` starts, once for
// each allocator that is preloaded.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include "bench/workloads.h"

namespace hyperion::bench {
namespace {

struct Workload {
  const char* name;
  void (*run)(const Options& options, Report& report);
  bool pinned = true;  // unless its own threads are
};

constexpr Workload kWorkloads[] = {
    {"pool", pools},        {"general", general},        {"dynamic", dynamic},
    {"tracking", tracking}, {"threads", threads, false},
};

const Workload* find(std::string_view name) {
  for (const Workload& workload : kWorkloads) {
    if (name == workload.name) return &workload;
  }
  return nullptr;
}

std::optional<uint64_t> positive(const char* text) {
  char* end;
  const unsigned long long number = std::strtoull(text, &end, 10);
  if (*end != '\0' || number == 0) return std::nullopt;
  return number;
}

std::optional<Options> read_options(int count, char** arguments) {
  Options options;
  if (count % 2 != 0) return std::nullopt;
  for (int i = 0; i < count; i += 2) {
    const std::optional<uint64_t> number = positive(arguments[i + 1]);
    if (!number) return std::nullopt;
    if (std::strcmp(arguments[i], "--repeats") == 0) {
      options.repeats = *number;
    } else if (std::strcmp(arguments[i], "--operations") == 0) {
      options.operations = *number;
    } else {
      return std::nullopt;
    }
  }
  return options;
}

int main(int count, char** arguments) {
  const Workload* workload = count > 1 ? find(arguments[1]) : nullptr;
  const std::optional<Options> options =
      workload == nullptr ? std::nullopt : read_options(count - 2, arguments + 2);
  if (!options) {
    std::fprintf(stderr,
                 "usage: %s WORKLOAD [--repeats N] [--operations N]\nworkloads:", arguments[0]);
    for (const Workload& one : kWorkloads) std::fprintf(stderr, " %s", one.name);
    std::fprintf(stderr, "\n");
    return 2;
  }
  const bool pinned = workload->pinned && pin_to_core(0);
  Report report;
  workload->run(*options, report);
  std::puts(report.json(workload->name, pinned, *options).c_str());
  return 0;
}

}  // namespace
}  // namespace hyperion::bench

int main(int count, char** arguments) {
  return hyperion::bench::main(count, arguments);
}
