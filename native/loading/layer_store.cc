#include "loading/layer_store.h"

#include <algorithm>
#include <limits>

namespace hyperion {
namespace {

constexpr size_t kNever = std::numeric_limits<size_t>::max();

Status cancelled_status() {
  return Status(Code::cancelled, "the pass was cancelled");
}

}  // namespace

LayerPin::LayerPin(LayerPin&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)), layer_(other.layer_) {}

LayerPin::~LayerPin() {
  if (store_ != nullptr) store_->unpin(layer_);
}

const std::byte* LayerPin::tensor(uint32_t index) const {
  // A pinned layer's region and layout do not change, so no lock is needed.
  const LayerStore::Layer& layer = store_->layers_[static_cast<size_t>(layer_)];
  for (const TensorPlace& place : layer.stored.layout.tensors) {
    if (place.tensor == index) return layer.region.data() + place.place;
  }
  return nullptr;
}

LayerStore::LayerStore(const Model& model, std::vector<StoredLayer> layers, EngineMemory& memory,
                       StoreOptions options, const std::atomic<bool>& cancelled)
    : model_(model),
      memory_(memory),
      options_(options),
      cancelled_(cancelled),
      layers_(layers.size()),
      next_use_(layers.size(), kNever),
      readers_(options.readers,
               [this](int layer, const Status& status) { on_read(layer, status); }) {
  for (size_t i = 0; i < layers.size(); ++i) layers_[i].stored = std::move(layers[i]);
}

LayerStore::~LayerStore() = default;

Status LayerStore::map_files() {
  const std::lock_guard lock(mutex_);
  for (Layer& layer : layers_) {
    const LayerLayout& layout = layer.stored.layout;
    if (layout.bytes == 0) continue;
    Result<PageRegion> pages = PageRegion::reserve(layout.bytes);
    if (!pages.ok()) return pages.status();
    layer.region = Region::uncharged(std::move(pages.value()));
    for (const Run& run : layout.runs) {
      File& file = model_.file(run.file, Access::mapped);
      Status status = file.map(run.offset, run.bytes, layer.region.data() + run.place);
      if (!status.ok()) return status;
    }
    layer.state = State::resident;
    ++layer.pins;
  }
  return {};
}

void LayerStore::begin_pass(std::vector<int> order, std::vector<int> next_order) {
  const std::lock_guard lock(mutex_);
  upcoming_ = std::move(order);
  upcoming_.insert(upcoming_.end(), next_order.begin(), next_order.end());
  cursor_ = 0;
  note_next_uses();
}

Result<LayerPin> LayerStore::acquire(int index) {
  Lock lock(mutex_);
  advance(index);
  Layer& layer = layers_[static_cast<size_t>(index)];
  ++layer.pins;
  layer.ahead = false;
  if (layer.state == State::resident) {
    ++statistics_.hits;
    prefetch_ahead();
    return LayerPin(this, index);
  }
  if (Status status = wait_until_loaded(lock, index); !status.ok()) {
    --layer.pins;
    return status;
  }
  return LayerPin(this, index);
}

Status LayerStore::wait_until_loaded(Lock& lock, int index) {
  Monitor& monitor = memory_.monitor();
  const uint64_t bytes = layers_[static_cast<size_t>(index)].stored.layout.bytes;
  ++statistics_.stalls;
  const double begin = now_ms();
  monitor.record(EventKind::stall_begin, index, bytes);
  const Status status = load_and_wait(lock, index);
  statistics_.stall_ms += now_ms() - begin;
  monitor.record(EventKind::stall_end, index, bytes);
  return status;
}

// REQUIRES: the layer is pinned, so that a load which starts here is not given up.
Status LayerStore::load_and_wait(Lock& lock, int index) {
  Layer& layer = layers_[static_cast<size_t>(index)];
  for (;;) {
    if (layer.state == State::absent) {
      if (Status status = load(lock, index); !status.ok()) return status;
    } else {
      readers_.promote(index);
    }
    prefetch_ahead();
    changed_.wait(lock, [&] { return layer.state != State::loading || cancelled_; });
    if (layer.state == State::resident) return {};
    if (layer.state == State::loading) return cancelled_status();
    // A load that had been given up before this wait has ended: the next one is ours.
    if (!layer.given_up) return layer.failure;
  }
}

std::optional<LayerPin> LayerStore::pin_holder(uint32_t tensor) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (layers_[i].state != State::resident) continue;
    for (const TensorPlace& place : layers_[i].stored.layout.tensors) {
      if (place.tensor != tensor) continue;
      ++layers_[i].pins;
      return LayerPin(this, static_cast<int>(i));
    }
  }
  return std::nullopt;
}

bool LayerStore::reclaim() {
  Lock lock(mutex_);
  const std::optional<int> victim = farthest(false);
  return victim && give_up(lock, *victim).has_value();
}

void LayerStore::interrupt() {
  // The lock orders this after the waiter's look at its flag.
  {
    const std::lock_guard lock(mutex_);
  }
  changed_.notify_all();
}

StoreStatistics LayerStore::statistics() const {
  const std::lock_guard lock(mutex_);
  StoreStatistics statistics = statistics_;
  statistics.reads = readers_.totals();
  return statistics;
}

std::vector<int> LayerStore::resident_layers() const {
  const std::lock_guard lock(mutex_);
  std::vector<int> resident;
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (layers_[i].state == State::resident) resident.push_back(static_cast<int>(i));
  }
  return resident;
}

// Moves the walk to the next visit of `layer`.
void LayerStore::advance(int layer) {
  const auto from = upcoming_.begin() + static_cast<ptrdiff_t>(std::min(cursor_, upcoming_.size()));
  const auto visit = std::find(from, upcoming_.end(), layer);
  if (visit != upcoming_.end()) cursor_ = static_cast<size_t>(visit - upcoming_.begin());
  note_next_uses();
}

void LayerStore::note_next_uses() {
  std::fill(next_use_.begin(), next_use_.end(), kNever);
  for (size_t i = upcoming_.size(); i-- > cursor_;) {
    next_use_[static_cast<size_t>(upcoming_[i])] = i - cursor_;
  }
}

// Starts a demand load, evicting as needed.
Status LayerStore::load(Lock& lock, int index) {
  const uint64_t bytes = layers_[static_cast<size_t>(index)].stored.layout.bytes;
  for (;;) {
    if (std::optional<Region> region = Region::try_allocate(memory_, Tag::weights, bytes)) {
      start_load(index, std::move(*region), Urgency::demand);
      return {};
    }
    const std::optional<int> victim = farthest(false);
    if (!victim) return memory_.refusal(Tag::weights, bytes);
    std::optional<Region> given = give_up(lock, *victim);
    if (!given) return cancelled_status();
    if (given->size() == bytes) {
      start_load(index, std::move(*given), Urgency::demand);
      return {};
    }
  }
}

void LayerStore::start_load(int index, Region region, Urgency urgency) {
  Layer& layer = layers_[static_cast<size_t>(index)];
  layer.region = std::move(region);
  layer.state = State::loading;
  layer.given_up = false;
  layer.failure = {};
  std::vector<ReadRequest> requests;
  for (const Run& run : layer.stored.layout.runs) {
    for (uint64_t done = 0; done < run.bytes; done += kMaxReadBytes) {
      const uint64_t bytes = std::min(kMaxReadBytes, run.bytes - done);
      requests.push_back({&model_.file(run.file, options_.access), run.offset + done,
                          layer.region.data() + run.place + done, bytes,
                          std::min(bytes, run.required - std::min(done, run.required)), index});
    }
  }
  layer.pending = requests.size();
  memory_.monitor().record(EventKind::read_begin, index, layer.stored.layout.bytes);
  if (requests.empty()) {
    finish_load(index);
  } else {
    readers_.queue(requests, urgency);
  }
}

// Starts loads of the absent layers that come next, until the window is full of layers that wait
// for their use. Resident layers on the way do not count: while they compute, what follows them is
// read.
void LayerStore::prefetch_ahead() {
  size_t ahead = static_cast<size_t>(std::count_if(layers_.begin(), layers_.end(),
                                                   [](const Layer& layer) { return layer.ahead; }));
  for (size_t i = cursor_ + 1; i < upcoming_.size() && ahead < options_.prefetch_window; ++i) {
    const int index = upcoming_[i];
    Layer& layer = layers_[static_cast<size_t>(index)];
    if (layer.state != State::absent) continue;
    Region region;
    // What comes sooner is wanted more: no look beyond the first that does not fit.
    if (!make_room_for_prefetch(index, region)) return;
    layer.ahead = true;
    ++ahead;
    start_load(index, std::move(region), Urgency::prefetch);
  }
}

}  // namespace hyperion
