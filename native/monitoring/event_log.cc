#include "monitoring/event_log.h"

namespace hyperion {

void EventLog::start(std::span<Event> storage) {
  const std::lock_guard lock(mutex_);
  ring_ = storage;
  first_ = next_ = lost_ = 0;
  running_ = true;
}

void EventLog::stop() {
  const std::lock_guard lock(mutex_);
  running_ = false;
  ring_ = {};
  first_ = next_ = lost_ = 0;
}

void EventLog::record(const Event& event) {
  if (!running()) return;
  const std::lock_guard lock(mutex_);
  if (ring_.empty()) return;  // stopped meanwhile
  ring_[next_++ % ring_.size()] = event;
  if (next_ - first_ > ring_.size()) {
    ++first_;
    ++lost_;
  }
}

EventLog::Drained EventLog::drain() {
  const std::lock_guard lock(mutex_);
  Drained drained;
  drained.lost = lost_;
  drained.events.reserve(next_ - first_);
  while (first_ < next_) drained.events.push_back(ring_[first_++ % ring_.size()]);
  lost_ = 0;
  return drained;
}

}  // namespace hyperion
