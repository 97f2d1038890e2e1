// The part of the layer store that looks at how passes go, for the window's sake.
#include "loading/layer_store.h"

namespace hyperion {

// A pass is watched from its first part on, so that time between passes does not count.
void LayerStore::watch_pass() {
  if (acquired_ > 0) return;
  watched_ms_ = now_ms();
  watched_ = figures();
}

// When as many parts were acquired as a pass visits.
void LayerStore::adapt_window() {
  if (++acquired_ < foreseen_) return;
  acquired_ = 0;
  const double ms = now_ms() - watched_ms_;
  if (ms <= 0) return;
  const StoreStatistics now = figures();
  const double read_ms = now.reads.ms - watched_.reads.ms;
  const PassTimes pass = {ms, now.stall_ms - watched_.stall_ms,
                          1 - read_ms / (ms * static_cast<double>(options_.readers))};
  const size_t before = window_.window();
  const uint64_t slot = memory_.footprint(largest_foreseen());
  window_.note(pass, planned_ring_ + slot <= planned_room_);
  if (window_.window() == before) return;
  planned_room_ = 0;  // as good as another room: what stays is chosen anew
  choose_residents();
}

}  // namespace hyperion
