// The part of the layer store that chooses what stays, gives up parts and ends loads.

#include <algorithm>

#include "base/checked.h"
#include "loading/layer_store.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

constexpr uint64_t kSmall = 16;  // one part in so many of the largest

// A ring of parts of which three or four are read while as many wait or compute is worth any room.
// In a larger one readers wait more rarely for a part to come free: worth so much of the room.
constexpr uint64_t kSlots = 8;
constexpr uint64_t kRingShare = 6;

// Slots that are smaller than a huge page are taken by the huge page where those of the ring take
// one part in so many of the room at most.
constexpr uint64_t kTogetherShare = 3;

}  // namespace

// Chooses what stays when the room for weights has changed, or what the passes need.
void LayerStore::choose_residents() {
  absent_ = 0;
  foreseen_ = 0;
  uint64_t room = memory_.available();
  uint64_t needed = 0;
  largest_ = largest_foreseen();
  const uint64_t largest = std::max(largest_, std::max<uint64_t>(options_.slot_bytes, 1));
  const auto add = [&](uint64_t bytes, uint64_t& sum) {
    const uint64_t footprint = bytes == 0 ? 0 : memory_.footprint(bytes);
    sum += std::min(footprint, kUnlimited - sum);
    return footprint;
  };
  std::vector<Candidate> candidates;
  for (int i = 0; i < part_count(); ++i) {
    const Part& candidate = part(i);
    add(candidate.region.size(), room);
    const bool foreseen = is_foreseen(i);
    if (foreseen) ++foreseen_;
    if (foreseen && candidate.state == State::absent) ++absent_;
    const uint64_t bytes = foreseen ? add(candidate.stored.layout.bytes, needed) : 0;
    // The small tensors of a layer that is cut, without which none of its parts is of use, are kept
    // before all else.
    const bool is_small = candidate.stored.layout.bytes <= largest / kSmall;
    candidates.push_back({bytes, is_small ? 0 : ranks_[static_cast<size_t>(i)]});
  }
  for (const Region& region : spare_) add(region.size(), room);
  room -= std::min(room, memory_.budget().overdraft());
  room = std::min(room, threshold_bytes());
  const bool unchanged = room == planned_room_ && needed == planned_bytes_;
  if (unchanged) return;

  planned_room_ = room;
  planned_bytes_ = needed;
  all_stay_ = needed <= room;
  const uint64_t slot = memory_.footprint(largest);
  planned_ring_ =
      std::min(slot * (window_.window() + 1), std::max(slot * kSlots, room / kRingShare));
  if (takes_slots_together()) planned_ring_ = round_up(planned_ring_, kHugePageSize);
  // A policy that chooses when room is needed keeps a set only where that is everything.
  const uint64_t ring = policy_->keeps_a_set() ? planned_ring_ : room;
  const std::vector<bool> kept = choose_kept(candidates, room, ring);
  streamed_.clear();
  for (int i = 0; i < part_count(); ++i) {
    Part& chosen = part(i);
    chosen.use.kept = kept[static_cast<size_t>(i)];
    // What stays does not stay in a slot: it would take more than it was counted for.
    const bool in_slot =
        chosen.region.size() > chosen.stored.layout.bytes || chosen.region.is_piece();
    if (chosen.use.kept && in_slot && chosen.state == State::resident && chosen.pins == 0) {
      give_up_resident(i);
    }
    if (!chosen.use.kept && chosen.state != State::absent) streamed_.push_back(i);
  }
}

void LayerStore::plan_anew() {
  const std::lock_guard lock(mutex_);
  choose_residents();
}

// Of the parts that the passes visit: any other, such as a table whose rows are read one by one, is
// no measure of what streams.
uint64_t LayerStore::largest_foreseen() const {
  uint64_t largest = 0;
  for (int i = 0; i < part_count(); ++i) {
    if (is_foreseen(i)) largest = std::max(largest, part(i).stored.layout.bytes);
  }
  return largest;
}

// A new pass reads all of a range anew that was not as written. Not before: in the pass that has
// used some of it, whoever wants the rest must fail.
void LayerStore::give_up_suspects() {
  for (int i = 0; i < part_count(); ++i) {
    Part& given = part(i);
    if (!given.suspect || given.state == State::loading || given.pins > 0) continue;
    if (given.state == State::resident) give_up_resident(i);
    checksums_.forget(i);
    given.suspect = false;
  }
}

uint64_t LayerStore::threshold_bytes() const {
  const uint64_t limit = memory_.budget().limit();
  if (options_.threshold >= 1) return limit;
  return static_cast<uint64_t>(options_.threshold * static_cast<double>(limit));
}

void LayerStore::set_ahead(Part& part, bool ahead) {
  if (part.ahead == ahead) return;
  part.ahead = ahead;
  ahead ? ++ahead_ : --ahead_;
}

PartUse LayerStore::use_of(int index) const {
  PartUse use = part(index).use;
  use.next_use = walk_.next_use(index);
  return use;
}

// Whether `left` is given up rather than `right`: what waits for its use only after all else.
bool LayerStore::is_given_up_before(int left, int right) const {
  const Part &a = part(left), &b = part(right);
  if (a.state != b.state) return a.state == State::resident;
  if (a.ahead != b.ahead) return b.ahead;
  return policy_->gives_way_before(use_of(left), use_of(right));
}

// The unpinned part that is given up first: one that is read ahead, or being read, only if there is
// no other.
std::optional<int> LayerStore::victim() const {
  std::optional<int> found;
  if (!options_.gives_up) return found;
  for (int i = 0; i < part_count(); ++i) {
    if (part(i).pins > 0 || part(i).region.empty()) continue;
    if (!found || is_given_up_before(i, *found)) found = i;
  }
  return found;
}

// Memory for a part: what another has left, or new; nothing when the budget has no more, or for a
// prefetch the ring.
std::optional<Region> LayerStore::take_region(int index, Urgency urgency) {
  const Part& wanted = part(index);
  const uint64_t bytes = wanted.stored.layout.bytes;
  // Where a set is kept, all else that passes visit comes anew each time.
  const bool streams = policy_->keeps_a_set() && is_foreseen(index);
  const uint64_t least = options_.slot_bytes / (streams ? kSmall : 2);
  // Where room returns only in reverse order, any part has to do with what any other leaves.
  const bool anywhere = lies_anywhere();
  const uint64_t slot = anywhere ? options_.slot_bytes : std::max(options_.slot_bytes, largest_);
  const bool may = anywhere ? !wanted.use.kept : !is_base(index);
  const bool in_slot = may && bytes > least && bytes <= slot;
  const uint64_t most = in_slot ? slot : bytes;
  const bool together = in_slot && takes_slots_together() && !is_base(index);
  const auto fits = [&](const Region& region) {
    return region.size() >= bytes && region.size() <= most && (together || !region.is_piece());
  };
  auto spare = std::find_if(spare_.begin(), spare_.end(), fits);
  if (spare == spare_.end() && together) {
    const uint64_t ring = policy_->keeps_a_set() ? planned_ring_ : planned_room_;
    const bool full = together_ * options_.slot_bytes + kHugePageSize > ring;
    if (full && urgency == Urgency::prefetch) return std::nullopt;
    if (!full) take_slots();
    spare = std::find_if(spare_.begin(), spare_.end(), fits);
  }
  if (spare != spare_.end()) {
    Region region = std::move(*spare);
    spare_.erase(spare);
    return region;
  }
  for (;;) {
    if (auto region = Region::try_allocate(memory_, Tag::weights, most)) return region;
    if (urgency == Urgency::prefetch && !anywhere) break;  // what is spare may become a hole
    if (!drop_spare()) break;
  }
  return most > bytes ? Region::try_allocate(memory_, Tag::weights, bytes) : std::nullopt;
}

// The pages of a small region lie anywhere in the machine's memory, and a disk may write to each by
// itself: reads of 256 KiB into a huge page were seen to be four times as fast.
bool LayerStore::takes_slots_together() const {
  const bool divides = options_.slot_bytes > 0 && kHugePageSize % options_.slot_bytes == 0;
  return divides && options_.slot_bytes < kHugePageSize && memory_.reuses_any_room() &&
         round_up(planned_ring_, kHugePageSize) <= planned_room_ / kTogetherShare;
}

// Whether the part stays pinned while others of its layer come and go: among slots that were taken
// together it would hold all their memory.
bool LayerStore::is_base(int index) const {
  const auto is_of_its_layer = [&](int other) {
    return other >= 0 && other < part_count() &&
           part(other).stored.layer == part(index).stored.layer;
  };
  return is_of_its_layer(index + 1) && !is_of_its_layer(index - 1);
}

// Whether what a part leaves is room for any other. In an arena it is a hole while anything lies
// above it. (Where all stays nothing leaves.)
bool LayerStore::lies_anywhere() const {
  return memory_.reuses_any_room() || all_stay_ || options_.slot_bytes == 0;
}

// Whether the part, which stays pinned, would lie above all room that the rest of its layer can
// have.
bool LayerStore::must_wait(int index) const {
  if (lies_anywhere() || !is_base(index)) return false;
  const auto holds = [&](const Region& region) { return region.size() >= largest_; };
  return std::none_of(spare_.begin(), spare_.end(), holds) &&
         std::none_of(parts_.begin(), parts_.end(), [&](const Part& part) {
           return part.pins == 0 && part.state == State::resident && holds(part.region);
         });
}

// A huge page's worth of slots, spare at first, unless no memory is left.
void LayerStore::take_slots() {
  std::optional<Region> whole = Region::try_allocate(memory_, Tag::weights, kHugePageSize);
  if (!whole) return;
  for (Region& slot : Region::split(std::move(*whole), options_.slot_bytes)) {
    spare_.push_back(std::move(slot));
    ++together_;
  }
}

// Gives back memory that nothing uses, of slots that were taken together all of it or none; false
// when there is none.
bool LayerStore::drop_spare() {
  const auto goes = [&](const Region& region) {
    if (!region.is_piece()) return true;
    const auto is_beside = [&](const Region& other) { return other.is_beside(region); };
    const auto idle = std::count_if(spare_.begin(), spare_.end(), is_beside);
    return static_cast<size_t>(idle) == region.pieces();
  };
  const auto found = std::find_if(spare_.begin(), spare_.end(), goes);
  if (found == spare_.end()) return false;
  const Region dropped = std::move(*found);
  if (dropped.is_piece()) together_ -= dropped.pieces();
  std::erase_if(spare_,
                [&](const Region& other) { return other.empty() || other.is_beside(dropped); });
  return true;
}

// Takes a region for a prefetch out of free room and of parts needed later than `index`.
bool LayerStore::make_room_for_prefetch(int index, Region& region) {
  if (must_wait(index)) return false;
  const PartUse comes = use_of(index);
  const auto may_go = [&](int other) {
    const Part& candidate = part(other);
    const bool idle = candidate.state == State::resident && candidate.pins == 0 &&
                      !candidate.ahead && !candidate.region.empty();
    if (!idle) return false;
    const PartUse stays = use_of(other);
    return stays.next_use > comes.next_use && policy_->yields(stays, comes);
  };
  for (;;) {
    if (std::optional<Region> taken = take_region(index, Urgency::prefetch)) {
      region = std::move(*taken);
      return true;
    }
    if (!memory_.reuses_any_room() || !options_.gives_up) return false;
    std::optional<int> found;
    for (const int i : streamed_) {
      if (may_go(i) && (!found || is_given_up_before(i, *found))) found = i;
    }
    if (!found) return false;
    give_up_resident(*found);
  }
}

// Takes a part's region away, to be spare. One that is being read into is freed when the reads
// under way have ended, for which this waits (releasing the lock); false when it was cancelled.
// REQUIRES: the part is unpinned and not absent; `lock` is held.
bool LayerStore::give_up(Lock& lock, int index) {
  Part& given = part(index);
  if (given.state != State::loading) {
    give_up_resident(index);
    return true;
  }
  given.given_up = true;
  given.pending -= readers_->drop(index);
  if (given.pending == 0) finish_load(index);
  changed_.wait(lock, [&] { return given.state != State::loading || cancelled_; });
  return given.state != State::loading;
}

void LayerStore::give_up_resident(int index) {
  Part& given = part(index);
  ++statistics_.evictions;
  given.state = State::absent;
  std::erase(streamed_, index);
  set_ahead(given, false);
  if (is_foreseen(index)) ++absent_;
  memory_.monitor().record(EventKind::evict, given.stored.layer, given.stored.layout.bytes);
  if (!given.region.empty()) spare_.push_back(std::move(given.region));
}

void LayerStore::note_failure(Part& part, const Status& status) {
  if (status.ok()) return;
  part.failure = Status(status.code(), "layer " + part.stored.name + ": " + status.message(),
                        status.details());
}

void LayerStore::on_read(int index, const Status& status) {
  Lock lock(mutex_);
  Part& read = part(index);
  if (!status.ok() && read.failure.ok() && !read.given_up) {
    note_failure(read, status);
    read.pending -= readers_->drop(index);
  }
  if (read.pending == 1) verify(lock, index);
  if (--read.pending == 0) finish_load(index);
}

// Holds a part against its checksums, with the lock released: it counts as pending meanwhile, so
// that nobody takes its memory.
void LayerStore::verify(Lock& lock, int index) {
  Part& loaded = part(index);
  if (!loaded.failure.ok() || loaded.given_up || !checksums_.awaits(index)) return;
  lock.unlock();
  const std::vector<uint32_t> found = checksums_.compute(index, loaded.region.data());
  lock.lock();
  const auto [status, suspects] = checksums_.note(index, found);
  for (const int suspect : suspects) part(suspect).suspect = true;
  note_failure(loaded, status);
}

// REQUIRES: the part is loading and nothing of it is pending.
void LayerStore::finish_load(int index) {
  Part& loaded = part(index);
  if (loaded.failure.ok() && !loaded.given_up) {
    loaded.state = State::resident;
    ++statistics_.loads;
    ++loaded.loads;
    loaded.load_ms = now_ms() - loaded.began_ms;
    memory_.monitor().record(EventKind::loaded, loaded.stored.layer, loaded.stored.layout.bytes);
  } else {
    if (lies_anywhere()) {
      together_ -= loaded.region.is_piece();
      loaded.region.free();
    } else {
      spare_.push_back(std::move(loaded.region));
    }
    loaded.state = State::absent;
    std::erase(streamed_, index);
    memory_.monitor().record(EventKind::dropped, loaded.stored.layer, loaded.stored.layout.bytes);
    set_ahead(loaded, false);
    if (is_foreseen(index)) ++absent_;
  }
  --loading_;
  note_activity();
  changed_.notify_all();
}

void LayerStore::unpin(int index) {
  const std::lock_guard lock(mutex_);
  --part(index).pins;
  --pinned_;
  note_activity();
}

void LayerStore::note_activity() {
  busy_.set(loading_ > 0, pinned_ > 0 && waiting_ == 0);
}

}  // namespace hyperion
