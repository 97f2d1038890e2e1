// The cache of weights under the budget: loads parts ahead of their use, and gives up others by a
// policy.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "loading/adaptive_window.h"
#include "loading/busy_times.h"
#include "loading/checksums.h"
#include "loading/part_layout.h"
#include "loading/policy.h"
#include "loading/readers.h"
#include "loading/residency.h"
#include "loading/store_report.h"
#include "loading/walk.h"
#include "memory/region.h"
#include "platform/mapped_range.h"

namespace hyperion {

inline constexpr int kNoPart = -1;

// Parts that are read ahead at most: more only take room from those that could stay.
inline constexpr size_t kMostAhead = 11;

struct StoreOptions {
  size_t readers = 3;
  size_t prefetch_window = 2;  // layers loaded ahead of their use
  Access access = Access::buffered;
  bool adaptive_window = false;  // up to kMostAhead parts, see AdaptiveWindow
  PolicyKind policy = PolicyKind::cyclic;
  // Streamed parts lie in slots of this size, which serve one after another without pages being
  // mapped anew: all but small ones, or, under a policy that keeps no set, those that fill more
  // than half of a slot. 0 = none do. Slots smaller than a huge page are taken by the huge page
  // where the room allows.
  uint64_t slot_bytes = 0;
  // Share of the budget within which is chosen what stays; see thin_out().
  double threshold = 1;
  bool gives_up = true;  // false: nothing but by unload()
};

struct StoreStatistics {
  uint64_t loads = 0;  // parts read to the end
  uint64_t evictions = 0;
  uint64_t hits = 0;    // acquired while resident
  uint64_t stalls = 0;  // acquired while absent or loading
  double stall_ms = 0;
  ReadTotals reads;
  // A part is being read; a part is pinned and nobody waits for another; both at once.
  BusyTotals busy;
};

class LayerStore;

// Keeps a part resident and unmoved while it lives.
class PartPin {
 public:
  PartPin(PartPin&& other) noexcept;
  PartPin& operator=(PartPin&&) = delete;
  ~PartPin();

  // The part's piece of the tensor; null when it has none.
  const std::byte* piece(uint32_t tensor) const;

  // All of the part.
  std::span<std::byte> memory() const;

 private:
  friend class LayerStore;
  PartPin(LayerStore* store, int part) : store_(store), part_(part) {}
  LayerStore* store_;
  int part_;
};

// Thread-safe, except that a walk is one thread's.
class LayerStore {
 public:
  // REQUIRES: model, memory and `cancelled` outlive the store.
  // `cancelled`, when set, ends every wait for the disk once interrupt() is called.
  LayerStore(const Model& model, std::vector<StoredPart> parts, EngineMemory& memory,
             StoreOptions options, const std::atomic<bool>& cancelled);
  ~LayerStore();

  // Makes every part resident for good as a mapping of its files, charged though its pages come
  // when they are touched. Called before the first pass. OVER_BUDGET, OUT_OF_MEMORY, UNSUPPORTED,
  // IO.
  Status map_files();

  // CORRUPT when anything that a pass read from mapped parts may have been zeros in place of a
  // file's bytes: asked when it ends.
  Status check_mapped() const;

  // Reads in this way from now on. REQUIRES: nothing was loaded yet; not Access::mapped.
  void read_by(Access access);
  Access access() const;

  // Says which parts the pass that begins will acquire, in order, and which the one after it, so
  // that prefetch runs on across the end of the pass.
  void begin_pass(std::vector<int> order, const std::vector<int>& next_order);

  // Pins a part, loading it if need be, and starts prefetching the parts after it.
  // Demand may evict any unpinned part; a prefetch only parts needed later than its own.
  // CANCELLED when `cancelled` is set (and interrupt() called) while it waits; IO and CORRUPT name
  // the layer, the file and the offset; OVER_BUDGET when the part does not fit beside what is
  // pinned. After an error the store is usable.
  Result<PartPin> acquire(int part);

  // Pins the resident part that holds all bytes of the piece, if there is one.
  std::optional<PartPin> pin_holder(const Piece& piece);

  // Under the policy `priority` layers of a higher one stay. 0 unless it is set.
  void set_priority(int layer, double priority);

  // Gives up what the policy says; false when there is nothing.
  bool reclaim();

  // Chooses what stays under a budget that has changed, also in the middle of a pass.
  void plan_anew();

  // Gives up a part, whose memory goes back at once, after waiting for what of it is being read.
  // INVALID while it is pinned; CANCELLED.
  Status unload(int part);

  // Gives up parts whose use is over while more of the budget is taken than the threshold says.
  void thin_out();

  // Wakes whoever waits, to look at `cancelled`.
  void interrupt();

  StoreStatistics statistics() const;
  StoreReport report() const;

  // Layers of which every part is resident.
  std::vector<int> resident_layers() const;

  // Reader threads that run; 0 when the operating system refused them all and nothing can be
  // loaded.
  size_t reader_threads() const { return readers_->size(); }

 private:
  friend class PartPin;
  enum class State { absent, loading, resident };
  struct Part {
    StoredPart stored;
    State state = State::absent;
    Region region;
    MappedRange mapped;  // watches the region where it is a mapping of files
    PartUse use;         // but for its next use, which the walk knows
    bool ahead = false;  // prefetched, and not acquired since
    size_t pins = 0;
    size_t pending = 0;  // requests queued or being read, or the check of their bytes
    Urgency urgency = Urgency::demand;  // of the load
    bool given_up = false;  // while loading: its bytes go back when the reads under way have ended
    bool suspect = false;   // belongs to a range that was not as written: read anew for a new pass
    Status failure;         // of the load that ended last
    uint64_t loads = 0;
    double began_ms = 0;  // the load
    double load_ms = 0;   // it took, the last one that succeeded
  };
  using Lock = std::unique_lock<std::mutex>;

  Part& part(int index) { return parts_[static_cast<size_t>(index)]; }
  const Part& part(int index) const { return parts_[static_cast<size_t>(index)]; }
  int part_count() const { return static_cast<int>(parts_.size()); }
  int layer_count() const { return parts_.empty() ? 0 : parts_.back().stored.layer + 1; }
  bool is_foreseen(int index) const { return walk_.next_use(index) != kNever; }
  void start_readers();
  void watch_pass();
  void adapt_window();
  void choose_residents();
  uint64_t largest_foreseen() const;
  void give_up_suspects();
  void set_ahead(Part& part, bool ahead);

  Status load(Lock& lock, int index);
  void start_load(int index, Region region, Urgency urgency);
  std::optional<Region> take_region(int index, Urgency urgency);
  bool takes_slots_together() const;
  bool is_base(int index) const;
  bool lies_anywhere() const;
  bool must_wait(int index) const;
  void take_slots();
  bool drop_spare();
  void prefetch_ahead();
  bool make_room_for_prefetch(int index, Region& region);
  StoreStatistics figures() const;
  static LayerState state_of(const Part& part);
  PartUse use_of(int index) const;
  bool is_given_up_before(int left, int right) const;
  std::optional<int> victim() const;
  bool give_up(Lock& lock, int index);
  static void note_failure(Part& part, const Status& status);
  void on_read(int index, const Status& status);
  void verify(Lock& lock, int index);
  void finish_load(int index);
  void unpin(int index);
  Status wait_until_loaded(Lock& lock, int index);
  Status load_and_wait(Lock& lock, int index);
  uint64_t threshold_bytes() const;
  void note_activity();
  void give_up_resident(int index);

  const Model& model_;
  EngineMemory& memory_;
  const StoreOptions options_;
  Access access_;
  const std::unique_ptr<const Policy> policy_;
  const std::atomic<bool>& cancelled_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Part> parts_;
  AdaptiveWindow window_;       // parts loaded ahead at most
  size_t acquired_ = 0;         // parts in the pass that is watched for its sake,
  double watched_ms_ = 0;       // which began then,
  StoreStatistics watched_;     // when these were the figures
  std::vector<size_t> ranks_;   // by part: what choose_residents() keeps first
  uint64_t planned_room_ = 0;   // for which residents were chosen,
  uint64_t planned_bytes_ = 0;  // and of which parts,
  uint64_t planned_ring_ = 0;   // and what the others pass through
  uint64_t largest_ = 0;        // of the parts that the passes visit
  bool all_stay_ = false;       // there is room for all of these
  Walk walk_;
  uint64_t clock_ = 0;         // counts loads and uses
  size_t ahead_ = 0;           // parts that are prefetched and not acquired since
  size_t foreseen_ = 0;        // parts that the walk visits
  size_t absent_ = 0;          // those of them that are absent
  std::vector<Region> spare_;  // regions of parts that were given up
  std::vector<int> streamed_;  // parts that have memory, or are about to, and do not stay
  size_t together_ = 0;        // slots that were taken by the huge page
  Checksums checksums_;
  BusyTimes busy_;
  size_t loading_ = 0;  // parts
  size_t pinned_ = 0;   // PartPins
  size_t waiting_ = 0;  // calls of acquire()
  StoreStatistics statistics_;
  std::optional<Readers> readers_;  // last: its threads call on_read() until it is gone
};

}  // namespace hyperion
