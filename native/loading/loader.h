// Layers of a model in memory, without a session: loaded, pinned and given up one by one as they
// are asked for, under a budget of their own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "loading/choose_reading.h"
#include "loading/layer_store.h"
#include "memory/strategy.h"
#include "platform/thread.h"

namespace hyperion {

struct LoaderLayer {
  std::string name;
  std::vector<uint32_t> tensors;
};

struct LoaderOptions {
  uint64_t budget = kUnlimited;  // bytes
  uint64_t prefetch_window = 2;  // layers
  bool adaptive_window = false;
  uint64_t readers = 3;
  Io io = Io::automatic;  // but not mapped
  PolicyKind policy = PolicyKind::cyclic;
  bool gives_up = true;  // false: layers go by unload() alone
  double threshold = 1;  // share of the budget above which layers go when their use is over
  StrategyConfig strategy = {};
};

// What is asked is done by a thread of its own, in the order it was asked in. Thread-safe.
class Loader {
 public:
  // OVER_BUDGET with the smallest budget, that of the largest layer; INVALID; UNSUPPORTED for a way
  // of reading that is refused here; OUT_OF_MEMORY.
  static Result<std::shared_ptr<Loader>> create(std::shared_ptr<Model> model,
                                                const std::vector<LoaderLayer>& layers,
                                                const LoaderOptions& options);
  ~Loader() { close(); }

  // Runs on the loader's thread, once, with the outcome.
  using Done = std::function<void(const Status&)>;

  // Requests are numbered by the caller, each number once. Those of an asked load serve `ahead`
  // too: layers that will be asked for after it; without any, the ones that follow it. OVER_BUDGET
  // beside what is pinned, IO, CORRUPT, CANCELLED, CLOSED. A load that pins is known by its
  // request's number until it is released.
  void load(uint64_t request, int layer, std::vector<int> ahead, bool pins, Done done);

  // INVALID while the layer is pinned.
  void unload(uint64_t request, int layer, Done done);

  // Unloads all that is not pinned.
  void clear(uint64_t request, Done done);

  // OVER_BUDGET below what is pinned, and below the smallest budget; it stays as it was then.
  void set_budget(uint64_t request, uint64_t bytes, Done done);

  // Ends a request CANCELLED, at once if it has not begun, else when its wait has been woken: reads
  // that are under way go on without it. Nothing happens when it has ended.
  void cancel(uint64_t request);

  // Whether there was such a pin.
  bool release(uint64_t pin);

  void set_priority(int layer, double priority) { store_->set_priority(layer, priority); }

  // The memory of a pinned layer, and where in it a tensor of the layer lies.
  // REQUIRES: the pin was not released; the layer has the tensor.
  std::span<std::byte> memory_of(uint64_t pin) const;
  uint64_t place_of(int layer, uint32_t tensor) const;

  // One more pin of a pinned layer, with a number that no request has; 0 when there is no such pin.
  uint64_t pin_again(uint64_t pin);

  // A tensor of a pinned layer as floats, which close() waits for. CLOSED when the pin is gone;
  // INVALID for another layer's tensor, and unless out has as many floats as the tensor has
  // elements; UNSUPPORTED for a type without values.
  Status values(uint64_t pin, uint32_t tensor, std::span<float> out);

  // Ends what runs and what waits CLOSED, without waiting for it.
  void begin_close();

  // The same, and frees all bytes. May be called again.
  void close();

  int layers() const { return static_cast<int>(parts_.size()); }
  EngineMemory& memory() { return memory_; }
  StoreStatistics statistics() const { return store_->statistics(); }
  StoreReport report() const { return store_->report(); }
  Access access() const { return store_->access(); }

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct Pin {
    int layer;
    PartPin part;
  };
  struct Job {
    uint64_t request;
    std::function<Status()> work;
    Done done;
  };

  Loader(std::shared_ptr<Model> model, std::vector<StoredPart> parts, const LoaderOptions& options);
  void post(Job job);
  void work();
  bool next(Job& job);
  Status run(const Job& job);
  Status load_now(uint64_t request, int layer, std::vector<int> ahead, bool pins);
  Status set_budget_now(uint64_t bytes);
  uint64_t pinned_bytes() const;
  Status refusal(int layer) const;
  std::shared_ptr<const Pin> find(uint64_t pin) const;

  const std::shared_ptr<Model> model_;
  const LoaderOptions options_;
  const std::vector<StoredPart> parts_;  // one for each layer
  uint64_t smallest_budget_ = 0;
  Monitor monitor_;
  EngineMemory memory_;
  bool began_ = false;  // something was asked to be loaded; the loader's thread's
  std::atomic<bool> cancelled_ = false;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  uint64_t running_ = 0;  // the request; 0 = none
  bool over_ = false;     // the use of a layer is over since it was last asked what may go
  bool stop_ = false;
  uint64_t next_pin_ = uint64_t{1} << 60;  // of pin_again()
  std::unordered_map<uint64_t, std::shared_ptr<const Pin>> pins_;

  std::shared_mutex use_mutex_;  // shared by whoever reads a pinned layer, taken by close()
  std::mutex close_mutex_;
  std::unique_ptr<LayerStore> store_;
  std::unique_ptr<Thread> thread_;
};

}  // namespace hyperion
