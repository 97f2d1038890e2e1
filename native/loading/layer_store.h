// The cache of layers under the budget: loads whole layers ahead of their use and gives up those
// used farthest in the future. A pass visits layers in a known order, so eviction follows Belady's
// rule exactly.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "loading/layer_layout.h"
#include "loading/readers.h"
#include "memory/region.h"

namespace hyperion {

struct StoredLayer {
  std::string name;
  LayerLayout layout;
};

struct StoreOptions {
  size_t readers = 2;
  size_t prefetch_window = 2;  // layers loaded ahead of their use
  Access access = Access::buffered;
};

struct StoreStatistics {
  uint64_t loads = 0;  // layers read to the end
  uint64_t evictions = 0;
  uint64_t hits = 0;    // acquired while resident
  uint64_t stalls = 0;  // acquired while absent or loading
  double stall_ms = 0;
  ReadTotals reads;
};

class LayerStore;

// Keeps a layer resident and unmoved while it lives.
class LayerPin {
 public:
  LayerPin(LayerPin&& other) noexcept;
  LayerPin& operator=(LayerPin&&) = delete;
  ~LayerPin();

  // REQUIRES: the tensor is one of the layer's.
  const std::byte* tensor(uint32_t index) const;

 private:
  friend class LayerStore;
  LayerPin(LayerStore* store, int layer) : store_(store), layer_(layer) {}
  LayerStore* store_;
  int layer_;
};

// Thread-safe, except that passes are walked (begin_pass, acquire) by one thread.
class LayerStore {
 public:
  // REQUIRES: model, memory and `cancelled` outlive the store.
  // `cancelled`, when set, ends every wait for the disk once interrupt() is called.
  LayerStore(const Model& model, std::vector<StoredLayer> layers, EngineMemory& memory,
             StoreOptions options, const std::atomic<bool>& cancelled);
  ~LayerStore();

  // Makes every layer resident for good as a mapping of its files, uncharged and never evicted: the
  // peer that streaming is measured against. Called before the first pass. OUT_OF_MEMORY, IO.
  Status map_files();

  // Says which layers the pass that begins will acquire, in order, and which the one after it, so
  // that prefetch runs on across the end of the pass.
  void begin_pass(std::vector<int> order, std::vector<int> next_order);

  // Pins a layer, loading it if need be, and starts prefetching the layers after it.
  // Demand may evict any unpinned layer; a prefetch only layers needed later than its own.
  // CANCELLED when `cancelled` is set (and interrupt() called) while it waits; IO and CORRUPT name
  // the layer, the file and the offset; OVER_BUDGET when the layer does not fit beside what is
  // pinned. After an error the store is usable.
  Result<LayerPin> acquire(int layer);

  // Pins a resident layer that holds the tensor, if there is one.
  std::optional<LayerPin> pin_holder(uint32_t tensor);

  // Gives up the unpinned layer used farthest in the future; false when there is none.
  bool reclaim();

  // Wakes whoever waits, to look at `cancelled`.
  void interrupt();

  StoreStatistics statistics() const;
  std::vector<int> resident_layers() const;

  // Reader threads that run; 0 when the operating system refused them all and nothing can be
  // loaded.
  size_t reader_threads() const { return readers_.size(); }

 private:
  friend class LayerPin;
  enum class State { absent, loading, resident };
  struct Layer {
    StoredLayer stored;
    State state = State::absent;
    Region region;
    bool ahead = false;  // prefetched, and not acquired since
    size_t pins = 0;
    size_t pending = 0;     // requests queued or being read
    bool given_up = false;  // while loading: its bytes go back when the reads under way have ended
    Status failure;         // of the load that ended last
  };
  using Lock = std::unique_lock<std::mutex>;

  void advance(int layer);
  void note_next_uses();
  Status load(Lock& lock, int layer);
  void start_load(int layer, Region region, Urgency urgency);
  void prefetch_ahead();
  bool make_room_for_prefetch(int layer, Region& region);
  std::optional<int> farthest(bool resident_only) const;
  std::optional<Region> give_up(Lock& lock, int layer);
  void on_read(int layer, const Status& status);
  void finish_load(int layer);
  void unpin(int layer);
  Status wait_until_loaded(Lock& lock, int layer);
  Status load_and_wait(Lock& lock, int layer);

  const Model& model_;
  EngineMemory& memory_;
  const StoreOptions options_;
  const std::atomic<bool>& cancelled_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Layer> layers_;
  std::vector<int> upcoming_;  // this pass's layers, then the next pass's
  size_t cursor_ = 0;          // where in upcoming_ the walk is
  std::vector<size_t> next_use_;
  StoreStatistics statistics_;
  Readers readers_;  // last: its threads call on_read() until it is gone
};

}  // namespace hyperion
