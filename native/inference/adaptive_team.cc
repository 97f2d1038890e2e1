#include "inference/adaptive_team.h"

#include <algorithm>

namespace hyperion {
namespace {

// A pass that reads for less than this share of its time does not depend on the disk.
constexpr double kReads = 0.5;
// One that computes for more than this share might be faster with more threads,
constexpr double kComputes = 0.8;
// and for more than this, it waits for no read: a faster disk would not help it.
constexpr double kNeverWaits = 0.95;
// Of two sizes as good as each other, up to this factor, the smaller is better.
constexpr double kAsLong = 1.02;
constexpr size_t kMostPatience = 1024;

bool reads(const TeamPass& pass) {
  return pass.reading > kReads * pass.all;
}

bool computes(const TeamPass& pass) {
  return pass.computing > kComputes * pass.all;
}

}  // namespace

size_t AdaptiveTeam::begin(uint64_t tokens) {
  if (tokens != tokens_) {
    size_ = tried_ = most_;
    ms_ = 0;
    down_ = true;
    wait_ = std::max<size_t>(wait_, 1);
    tokens_ = tokens;
  }
  return tried_;
}

void AdaptiveTeam::note(const TeamPass& pass) {
  if (computes(pass) && !reads(pass)) {
    size_ = tried_ = std::min(2 * tried_, most_);
    ms_ = 0;
    return;
  }
  if (tried_ != size_) return end_trial(pass);
  ms_ = ms_ == 0 ? pass.all : (ms_ + pass.all) / 2;
  if (wait_ > 0) {
    --wait_;
  } else {
    begin_trial(pass);
  }
}

void AdaptiveTeam::end_trial(const TeamPass& pass) {
  const bool better =
      tried_ < size_ ? !computes(pass) || pass.all < kAsLong * ms_ : kAsLong * pass.all < ms_;
  if (better) {
    size_ = tried_;
    ms_ = pass.all;
    wait_ = 0;
  } else {
    tried_ = size_;
    down_ = !down_;
    wait_ = patience_;
    patience_ = std::min(2 * patience_, kMostPatience);
  }
}

void AdaptiveTeam::begin_trial(const TeamPass& pass) {
  if (down_ && pass.computing < kNeverWaits * pass.all) tried_ = std::max<size_t>(size_ / 2, 1);
  if (!down_ && computes(pass)) tried_ = std::min(2 * size_, most_);
  if (tried_ != size_) return;
  down_ = !down_;
  wait_ = patience_;
}

}  // namespace hyperion
