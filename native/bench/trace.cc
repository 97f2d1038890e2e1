#include "bench/trace.h"

#include <cmath>
#include <random>

namespace hyperion::bench {
namespace {

constexpr double kSmallest = 16;
constexpr double kLargest = 65'536;

// Not std::uniform_real_distribution, which each library draws in its own way.
uint32_t log_uniform(std::mt19937_64& random) {
  const double unit = static_cast<double>(random() >> 11) * 0x1p-53;
  return static_cast<uint32_t>(std::lround(kSmallest * std::pow(kLargest / kSmallest, unit)));
}

}  // namespace

Trace::Trace(uint64_t operations) {
  std::mt19937_64 random(43);
  for (size_t i = 0; i < kLive; ++i) first.push_back(log_uniform(random));
  for (uint64_t i = 0; i < operations; ++i) {
    slots.push_back(static_cast<uint32_t>(random() % kLive));
    sizes.push_back(log_uniform(random));
  }
}

}  // namespace hyperion::bench
