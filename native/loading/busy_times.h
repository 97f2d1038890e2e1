// How long weights were read, how long something computed with them, and how long both at once.
#pragma once

#include "platform/clock.h"

namespace hyperion {

struct BusyTotals {
  double reading_ms = 0;
  double computing_ms = 0;
  double both_ms = 0;
};

// Not thread-safe.
class BusyTimes {
 public:
  // What goes on from now on.
  void set(bool reading, bool computing) {
    if (reading == reading_ && computing == computing_) return;
    totals_ = totals();
    since_ms_ = now_ms();
    reading_ = reading;
    computing_ = computing;
  }

  // Up to now.
  BusyTotals totals() const {
    BusyTotals totals = totals_;
    const double ms = now_ms() - since_ms_;
    if (reading_) totals.reading_ms += ms;
    if (computing_) totals.computing_ms += ms;
    if (reading_ && computing_) totals.both_ms += ms;
    return totals;
  }

 private:
  BusyTotals totals_;
  double since_ms_ = now_ms();
  bool reading_ = false;
  bool computing_ = false;
};

}  // namespace hyperion
