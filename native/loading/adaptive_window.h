// How far is read ahead, from how passes went: one part further while the engine waits for reads
// and readers have nothing to do, and back when that was no help or is needed no more.
#pragma once

#include <cstddef>

namespace hyperion {

// A pass over all parts.
struct PassTimes {
  double ms = 0;
  double stall_ms = 0;  // of these the engine waited for a read
  double idle = 0;      // share of them in which readers had nothing to do, the mean over all
};

// Deterministic: the same passes give the same windows.
class AdaptiveWindow {
 public:
  // Parts, from `least`, where it begins, to `most`.
  AdaptiveWindow(size_t least, size_t most) : least_(least), most_(most), window_(least) {}

  size_t window() const { return window_; }

  // Looks at a pass that went with window(); `fits`: one more part has room.
  void note(const PassTimes& pass, bool fits);

 private:
  void step_down();

  const size_t least_;
  const size_t most_;
  size_t window_;
  bool grew_ = false;           // just now, and it is not known yet whether it helped
  double stall_before_ms_ = 0;  // it grew
  size_t calm_ = 0;             // passes in a row without a stall worth the name
  size_t wait_ = 0;             // passes before it may grow again
  size_t patience_ = 4;         // passes, more after each step that was in vain
};

}  // namespace hyperion
