#include "loading/adaptive_window.h"

#include <algorithm>

namespace hyperion {
namespace {

// Stalls below this share of a pass cost less than a part that streams for the sake of a larger
// ring.
constexpr double kWorthwhileStall = 0.03;
// Readers that are busier have no time for more.
constexpr double kIdleReaders = 0.05;
// A step is kept that leaves so much of the stalls at most.
constexpr double kHelped = 0.9;
constexpr size_t kMostPatience = 1024;

}  // namespace

void AdaptiveWindow::note(const PassTimes& pass, bool fits) {
  if (grew_) {
    grew_ = false;
    if (pass.stall_ms > kHelped * stall_before_ms_) return step_down();
  }
  if (pass.stall_ms <= kWorthwhileStall * pass.ms) {
    if (++calm_ >= patience_ && window_ > least_) step_down();
    return;
  }
  calm_ = 0;
  if (wait_ > 0) {
    --wait_;
  } else if (pass.idle > kIdleReaders && fits && window_ < most_) {
    grew_ = true;
    stall_before_ms_ = pass.stall_ms;
    ++window_;
  }
}

// Each step down makes the next steps rarer, so that a pass which is better off with either of two
// windows by turns settles.
void AdaptiveWindow::step_down() {
  --window_;
  calm_ = 0;
  wait_ = patience_;
  patience_ = std::min(2 * patience_, kMostPatience);
}

}  // namespace hyperion
