#include "loading/layer_store.h"

#include <algorithm>

#include "loading/mapped_runs.h"

namespace hyperion {
namespace {

// Layers that are read ahead, in parts.
size_t window_of(const std::vector<StoredPart>& parts, size_t layers) {
  size_t in_layer = 0, most_in_layer = 1;
  for (size_t i = 0; i < parts.size(); ++i) {
    in_layer = i > 0 && parts[i].layer == parts[i - 1].layer ? in_layer + 1 : 1;
    most_in_layer = std::max(most_in_layer, in_layer);
  }
  return std::min(std::min(layers, kMostAhead) * most_in_layer, kMostAhead);
}

Status cancelled_status() {
  return Status(Code::cancelled, "the pass was cancelled");
}

}  // namespace

PartPin::PartPin(PartPin&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)), part_(other.part_) {}

PartPin::~PartPin() {
  if (store_ != nullptr) store_->unpin(part_);
}

const std::byte* PartPin::piece(uint32_t tensor) const {
  // A pinned part's region and layout do not change, so no lock is needed.
  const LayerStore::Part& part = store_->part(part_);
  for (const PiecePlace& place : part.stored.layout.pieces) {
    if (place.piece.tensor == tensor) return part.region.data() + place.place;
  }
  return nullptr;
}

std::span<std::byte> PartPin::memory() const {
  const LayerStore::Part& part = store_->part(part_);
  return {part.region.data(), part.stored.layout.bytes};
}

LayerStore::LayerStore(const Model& model, std::vector<StoredPart> parts, EngineMemory& memory,
                       StoreOptions options, const std::atomic<bool>& cancelled)
    : model_(model),
      memory_(memory),
      options_(options),
      access_(options.access),
      policy_(make_policy(options.policy)),
      cancelled_(cancelled),
      parts_(parts.size()),
      window_(window_of(parts, options.prefetch_window), kMostAhead),
      ranks_(spread_ranks(parts.size())),
      walk_(parts.size()),
      checksums_(model, parts) {
  for (size_t i = 0; i < parts.size(); ++i) parts_[i].stored = std::move(parts[i]);
  start_readers();
}

LayerStore::~LayerStore() = default;

void LayerStore::start_readers() {
  readers_.emplace(
      options_.readers, [this](int part, const Status& status) { on_read(part, status); }, access_);
}

// Without the lock, which reclaim() takes: no other thread uses the store yet.
Status LayerStore::map_files() {
  for (Part& part : parts_) {
    const PartLayout& layout = part.stored.layout;
    part.state = State::resident;
    ++part.pins;
    if (layout.bytes == 0) continue;
    Result<MappedRuns> mapped = map_runs(model_, layout.runs, layout.bytes, memory_);
    if (!mapped.ok()) return mapped.status();
    part.region = std::move(mapped.value().region);
    part.mapped = std::move(mapped.value().range);
  }
  access_ = Access::mapped;
  return {};
}

Status LayerStore::check_mapped() const {
  if (access() != Access::mapped) return {};
  for (const Part& part : parts_) {
    const Status status = hyperion::check_mapped(part.mapped, model_, part.stored.layout.runs);
    if (!status.ok())
      return Status(status.code(), "layer " + part.stored.name + ": " + status.message());
  }
  return {};
}

void LayerStore::read_by(Access access) {
  const std::lock_guard lock(mutex_);
  if (access == access_) return;
  access_ = access;
  start_readers();
}

Access LayerStore::access() const {
  const std::lock_guard lock(mutex_);
  return access_;
}

void LayerStore::begin_pass(std::vector<int> order, const std::vector<int>& next_order) {
  const std::lock_guard lock(mutex_);
  walk_.begin(std::move(order), next_order);
  give_up_suspects();
  choose_residents();
}

Result<PartPin> LayerStore::acquire(int index) {
  Lock lock(mutex_);
  walk_.advance(index);
  if (options_.adaptive_window) watch_pass();
  Part& wanted = part(index);
  ++wanted.pins;
  ++wanted.use.uses;
  wanted.use.used_at = ++clock_;
  set_ahead(wanted, false);
  if (wanted.state == State::resident) {
    ++statistics_.hits;
    prefetch_ahead();
  } else if (Status status = wait_until_loaded(lock, index); !status.ok()) {
    --wanted.pins;
    return status;
  }
  if (options_.adaptive_window) adapt_window();
  ++pinned_;
  note_activity();
  return PartPin(this, index);
}

Status LayerStore::wait_until_loaded(Lock& lock, int index) {
  Monitor& monitor = memory_.monitor();
  const auto& [name, layer, layout] = part(index).stored;
  ++statistics_.stalls;
  const double begin = now_ms();
  monitor.record(EventKind::stall_begin, layer, layout.bytes);
  ++waiting_;
  note_activity();
  const Status status = load_and_wait(lock, index);
  --waiting_;
  note_activity();
  statistics_.stall_ms += now_ms() - begin;
  monitor.record(EventKind::stall_end, layer, layout.bytes);
  return status;
}

// REQUIRES: the part is pinned, so that a load which starts here is not given up.
Status LayerStore::load_and_wait(Lock& lock, int index) {
  Part& wanted = part(index);
  for (;;) {
    if (wanted.state == State::absent) {
      if (Status status = load(lock, index); !status.ok()) return status;
    } else {
      wanted.urgency = Urgency::demand;
      readers_->promote(index);
    }
    prefetch_ahead();
    changed_.wait(lock, [&] { return wanted.state != State::loading || cancelled_; });
    if (wanted.state == State::resident) return {};
    if (wanted.state == State::loading) return cancelled_status();
    // A load that had been given up before this wait has ended: the next one is ours.
    if (!wanted.given_up) return wanted.failure;
  }
}

std::optional<PartPin> LayerStore::pin_holder(const Piece& piece) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].state != State::resident) continue;
    for (const auto& [held, place] : parts_[i].stored.layout.pieces) {
      const bool holds =
          held.tensor == piece.tensor && held.begin <= piece.begin && piece.end <= held.end;
      if (!holds) continue;
      ++parts_[i].pins;
      ++pinned_;
      note_activity();
      return PartPin(this, static_cast<int>(i));
    }
  }
  return std::nullopt;
}

void LayerStore::set_priority(int layer, double priority) {
  const std::lock_guard lock(mutex_);
  for (Part& part : parts_) {
    if (part.stored.layer == layer) part.use.priority = priority;
  }
}

bool LayerStore::reclaim() {
  Lock lock(mutex_);
  if (drop_spare()) return true;
  const std::optional<int> found = victim();
  if (!found || !give_up(lock, *found)) return false;
  drop_spare();
  return true;
}

Status LayerStore::unload(int index) {
  Lock lock(mutex_);
  const Part& unloaded = part(index);
  if (unloaded.pins > 0) {
    return Status(Code::invalid,
                  "layer " + unloaded.stored.name + " is pinned; release it before it is unloaded");
  }
  if (unloaded.state == State::absent) return {};
  if (!give_up(lock, index)) return cancelled_status();
  while (drop_spare()) continue;
  return {};
}

void LayerStore::thin_out() {
  const std::lock_guard lock(mutex_);
  const uint64_t most = threshold_bytes();
  while (memory_.budget().charged() > most) {
    if (drop_spare()) continue;
    const std::optional<int> found = victim();
    if (!found || part(*found).state != State::resident || part(*found).ahead) return;
    give_up_resident(*found);
  }
}

void LayerStore::interrupt() {
  // The lock orders this after the waiter's look at its flag.
  { const std::lock_guard lock(mutex_); }
  changed_.notify_all();
}

// Starts a demand load, evicting as needed.
Status LayerStore::load(Lock& lock, int index) {
  for (;;) {
    const bool waits = must_wait(index);
    while (waits && drop_spare()) continue;
    std::optional<Region> region;
    if (!waits || !victim()) region = take_region(index, Urgency::demand);
    if (region) {
      start_load(index, std::move(*region), Urgency::demand);
      return {};
    }
    const std::optional<int> found = victim();
    if (!found) return memory_.refusal(Tag::weights, part(index).stored.layout.bytes);
    if (!give_up(lock, *found)) return cancelled_status();
  }
}

void LayerStore::start_load(int index, Region region, Urgency urgency) {
  Part& loaded = part(index);
  const PartLayout& layout = loaded.stored.layout;
  loaded.region = std::move(region);
  loaded.state = State::loading;
  if (!loaded.use.kept) streamed_.push_back(index);
  loaded.urgency = urgency;
  loaded.given_up = false;
  loaded.failure = {};
  loaded.began_ms = now_ms();
  ++loading_;
  note_activity();
  loaded.use.loaded_at = loaded.use.used_at = ++clock_;
  if (is_foreseen(index)) --absent_;
  std::vector<ReadRequest> requests;
  for (const Run& run : layout.runs) {
    if (loaded.failure.ok()) {
      note_failure(loaded, model_.file(run.file, access_).check_unchanged());
    }
    for (uint64_t done = 0; done < run.bytes; done += kMaxReadBytes) {
      const uint64_t bytes = std::min(kMaxReadBytes, run.bytes - done);
      requests.push_back({&model_.file(run.file, access_), run.offset + done,
                          loaded.region.data() + run.place + done, bytes,
                          std::min(bytes, run.required - std::min(done, run.required)), index});
    }
  }
  if (!loaded.failure.ok()) requests.clear();
  loaded.pending = requests.size();
  memory_.monitor().record(EventKind::read_begin, loaded.stored.layer, layout.bytes);
  if (requests.empty()) {
    finish_load(index);
  } else {
    readers_->queue(requests, urgency);
  }
}

// Starts loads of the absent parts that come next, until the window is full of parts that wait for
// their use. Resident parts on the way do not count: while they compute, what follows them is read.
void LayerStore::prefetch_ahead() {
  if (absent_ == 0) return;
  for (size_t steps = 1; steps < walk_.left() && ahead_ < window_.window(); ++steps) {
    const int index = walk_.at(steps);
    if (part(index).state != State::absent) continue;
    Region region;
    // What comes sooner is wanted more: no look beyond the first that does not fit.
    if (!make_room_for_prefetch(index, region)) return;
    set_ahead(part(index), true);
    start_load(index, std::move(region), Urgency::prefetch);
  }
}

}  // namespace hyperion
