// How a loop is timed: once to warm up, then several times, by the time that its thread had a core.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "platform/thread.h"

namespace hyperion::bench {

struct Options {
  size_t repeats = 5;
  uint64_t operations = 1'000'000;  // in each repeat
};

// Of all repeats. What else the machine does only ever adds to the least.
struct Timing {
  double least;
  double median;
};

// REQUIRES: there are values.
inline Timing summarize(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {values.front(), median};
}

// Nanoseconds that the calling thread works on `body(operations)`, by operation.
template <class Body>
double time_once(uint64_t operations, const Body& body) {
  const double began = thread_time_ns();
  body(operations);
  return (thread_time_ns() - began) / static_cast<double>(operations);
}

template <class Body>
Timing measure(const Options& options, const Body& body) {
  time_once(options.operations, body);
  std::vector<double> values;
  for (size_t i = 0; i < options.repeats; ++i)
    values.push_back(time_once(options.operations, body));
  return summarize(std::move(values));
}

}  // namespace hyperion::bench
