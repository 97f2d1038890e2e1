// The part of the layer store that says what it holds and what it did.
#include "loading/store_report.h"

#include <algorithm>

#include "loading/layer_store.h"

namespace hyperion {
namespace {

// A layer is as its parts are: what happens to any of them happens to it, and it is loaded when all
// of them are.
LayerState combine(LayerState left, LayerState right) {
  const auto weight = [](LayerState state) {
    switch (state) {
      case LayerState::loading:
        return 5;
      case LayerState::prefetching:
        return 4;
      case LayerState::unloading:
        return 3;
      case LayerState::error:
        return 2;
      case LayerState::unloaded:
        return 1;
      case LayerState::loaded:
        break;
    }
    return 0;
  };
  return weight(left) >= weight(right) ? left : right;
}

}  // namespace

StoreStatistics LayerStore::statistics() const {
  const std::lock_guard lock(mutex_);
  return figures();
}

StoreStatistics LayerStore::figures() const {
  StoreStatistics statistics = statistics_;
  statistics.reads = readers_->totals();
  statistics.busy = busy_.totals();
  return statistics;
}

std::vector<int> LayerStore::resident_layers() const {
  const std::lock_guard lock(mutex_);
  std::vector<bool> whole(static_cast<size_t>(layer_count()), true);
  for (const Part& part : parts_) {
    if (part.state != State::resident) whole[static_cast<size_t>(part.stored.layer)] = false;
  }
  std::vector<int> resident;
  for (size_t i = 0; i < whole.size(); ++i) {
    if (whole[i]) resident.push_back(static_cast<int>(i));
  }
  return resident;
}

LayerState LayerStore::state_of(const Part& part) {
  switch (part.state) {
    case State::resident:
      return LayerState::loaded;
    case State::absent:
      return part.failure.ok() ? LayerState::unloaded : LayerState::error;
    case State::loading:
      break;
  }
  if (part.given_up) return LayerState::unloading;
  return part.urgency == Urgency::demand ? LayerState::loading : LayerState::prefetching;
}

StoreReport LayerStore::report() const {
  const std::lock_guard lock(mutex_);
  StoreReport report;
  report.layers.resize(static_cast<size_t>(layer_count()));
  for (LayerReport& layer : report.layers) layer.state = LayerState::loaded;
  for (int i = 0; i < part_count(); ++i) {
    const Part& part = this->part(i);
    LayerReport& layer = report.layers[static_cast<size_t>(part.stored.layer)];
    const uint64_t bytes = part.stored.layout.bytes;
    layer.state = combine(layer.state, state_of(part));
    layer.bytes += bytes;
    if (part.state == State::resident) layer.resident_bytes += bytes;
    if (part.use.kept && is_foreseen(i)) layer.kept_bytes += bytes;
    layer.pins += part.pins;
    layer.loads += part.loads;
    layer.load_ms += part.load_ms;
    layer.priority = std::max(layer.priority, part.use.priority);
    if (is_foreseen(i)) report.largest_part = std::max(report.largest_part, bytes);
  }
  report.room = planned_room_;
  report.needed = planned_bytes_;
  report.ring_bytes = planned_ring_;
  report.window = window_.window();
  report.parts = parts_.size();
  return report;
}

}  // namespace hyperion
