#include "inference/adaptive_team.h"

#include <algorithm>

namespace hyperion {
namespace {

// A pass that computes for less than this share of its time waits for the disk,
constexpr double kWaits = 0.6;
// and one that does so for more would soon wait for the threads.
constexpr double kComputes = 0.8;
constexpr size_t kMostPatience = 1024;

}  // namespace

size_t AdaptiveTeam::begin(uint64_t tokens) {
  if (tokens != tokens_) {
    size_ = most_;
    wait_ = std::max<size_t>(wait_, 1);
    tokens_ = tokens;
  }
  return size_;
}

void AdaptiveTeam::note(double ms, double compute_ms) {
  if (compute_ms > kComputes * ms) {
    if (size_ == most_) return;
    size_ = std::min(2 * size_, most_);
    wait_ = patience_;
    patience_ = std::min(2 * patience_, kMostPatience);
  } else if (compute_ms < kWaits * ms && size_ > 1) {
    if (wait_ > 0) {
      --wait_;
      return;
    }
    size_ /= 2;
    wait_ = 1;
  }
}

}  // namespace hyperion
