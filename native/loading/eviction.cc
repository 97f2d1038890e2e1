// The part of the layer store that gives up layers and ends loads.

#include <algorithm>

#include "loading/layer_store.h"

namespace hyperion {

// The unpinned layer whose next use is farthest away.
std::optional<int> LayerStore::farthest(bool resident_only) const {
  std::optional<size_t> victim;
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const bool candidate = layer.pins == 0 && (layer.state == State::resident ||
                                               (layer.state == State::loading && !resident_only));
    if (candidate && (!victim || next_use_[i] > next_use_[*victim])) victim = i;
  }
  if (!victim) return std::nullopt;
  return static_cast<int>(*victim);
}

// Takes a region for a prefetch out of free room and of layers needed later than `index`; evicts
// nothing unless that is enough.
bool LayerStore::make_room_for_prefetch(int index, Region& region) {
  const size_t use = next_use_[static_cast<size_t>(index)];
  const uint64_t bytes = layers_[static_cast<size_t>(index)].stored.layout.bytes;
  uint64_t obtainable = memory_.available();
  for (size_t i = 0; i < layers_.size() && memory_.reuses_any_room(); ++i) {
    const Layer& layer = layers_[i];
    if (layer.state == State::resident && layer.pins == 0 && next_use_[i] > use) {
      const uint64_t footprint = memory_.footprint(layer.stored.layout.bytes);
      obtainable += std::min(footprint, kUnlimited - obtainable);
    }
  }
  if (obtainable < memory_.footprint(bytes)) return false;

  for (;;) {
    if (std::optional<Region> fresh = Region::try_allocate(memory_, Tag::weights, bytes)) {
      region = std::move(*fresh);
      return true;
    }
    if (!memory_.reuses_any_room()) return false;
    const std::optional<int> victim = farthest(true);
    if (!victim || next_use_[static_cast<size_t>(*victim)] <= use) return false;
    Lock none;
    region = std::move(*give_up(none, *victim));
    if (region.size() == bytes) return true;
    region.free();
  }
}

// Takes a layer's region away. One that is being read into is freed when the reads under way have
// ended, for which this waits (releasing the lock); it returns an empty region then, and nothing
// when it was cancelled. REQUIRES: the layer is unpinned and not absent; `lock` is held unless the
// layer is resident.
std::optional<Region> LayerStore::give_up(Lock& lock, int index) {
  Layer& layer = layers_[static_cast<size_t>(index)];
  if (layer.state == State::loading) {
    layer.given_up = true;
    layer.pending -= readers_.drop(index);
    if (layer.pending == 0) finish_load(index);
    changed_.wait(lock, [&] { return layer.state != State::loading || cancelled_; });
    if (layer.state == State::loading) return std::nullopt;
    return Region();
  }
  ++statistics_.evictions;
  layer.state = State::absent;
  layer.ahead = false;
  memory_.monitor().record(EventKind::evict, index, layer.stored.layout.bytes);
  return std::move(layer.region);
}

void LayerStore::on_read(int index, const Status& status) {
  const std::lock_guard lock(mutex_);
  Layer& layer = layers_[static_cast<size_t>(index)];
  --layer.pending;
  if (!status.ok() && layer.failure.ok() && !layer.given_up) {
    layer.failure = Status(status.code(), "layer " + layer.stored.name + ": " + status.message(),
                           status.details());
    layer.pending -= readers_.drop(index);
  }
  if (layer.pending == 0) finish_load(index);
}

// REQUIRES: the layer is loading and nothing of it is pending.
void LayerStore::finish_load(int index) {
  Layer& layer = layers_[static_cast<size_t>(index)];
  if (layer.failure.ok() && !layer.given_up) {
    layer.state = State::resident;
    ++statistics_.loads;
    memory_.monitor().record(EventKind::loaded, index, layer.stored.layout.bytes);
  } else {
    layer.region.free();
    layer.state = State::absent;
    layer.ahead = false;
  }
  changed_.notify_all();
}

void LayerStore::unpin(int index) {
  const std::lock_guard lock(mutex_);
  --layers_[static_cast<size_t>(index)].pins;
}

}  // namespace hyperion
