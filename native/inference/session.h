// One sequence on one model under one budget: an engine thread that runs forward passes, and
// everything they hold.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "inference/executor.h"

namespace hyperion {

struct SessionStatistics {
  StoreStatistics store;  // reads and stall_ms include those of embedding rows
  double compute_ms = 0;
  uint64_t tokens = 0;    // computed since the session began
  uint64_t position = 0;  // tokens in the KV cache
  uint64_t prefill_chunk = 0;
  Access access = Access::buffered;
  std::vector<int> resident_layers;
};

// Thread-safe. Only close() waits for engine threads.
class Session {
 public:
  // OVER_BUDGET, with the smallest budget, before any allocation; INVALID for a graph that does not
  // fit the model; UNSUPPORTED when direct reads are demanded and refused.
  static Result<std::shared_ptr<Session>> create(std::shared_ptr<Model> model, Graph graph,
                                                 const SessionOptions& options);
  ~Session() { close(); }

  // Whether a sequence of `positions` tokens fits: OVER_BUDGET with its smallest budget, INVALID
  // beyond the context.
  Status reserve(uint64_t positions) const;

  // Runs on the engine thread, once there, with the outcome. A failed pass appends nothing: the
  // position stays.
  using Done = std::function<void(const Status&)>;

  // Starts appending `ids` to the sequence. `results` takes none, one or ids.size() rows of
  // `result_width` floats, and stays alive until `done` runs. INVALID (and `done` never runs) when
  // another pass is running or an argument is wrong.
  Status forward(std::vector<int32_t> ids, std::span<float> results, Done done);

  // Empties the KV cache. INVALID while a pass runs.
  Status reset();

  // Stops the running pass, which ends CANCELLED. Nothing happens when none runs.
  void cancel();

  // Begins to close without waiting: the running pass ends CLOSED. REQUIRES: close() has not begun.
  void begin_close();

  // Stops the running pass (CLOSED), joins all threads, frees all bytes. May be called again.
  void close();

  uint64_t budget() const { return options_.budget; }
  MemoryCounts memory() const { return monitor_.counters.snapshot(); }
  EngineMemory& engine_memory() { return memory_; }
  const StrategyConfig& strategy() const { return requirements_.strategy(); }
  SessionStatistics statistics() const;

  // Switches the event ring on (charging it) or off (dropping what was not drained).
  Status record_events(bool on);
  EventLog::Drained drain_events() { return monitor_.events.drain(); }

 private:
  struct Job {
    std::vector<int32_t> ids;
    ResultRows rows;
    float* results;
    Done done;
  };

  Session(std::shared_ptr<Model> model, Graph graph, const SessionOptions& options, Access access);
  Status check_forward(const std::vector<int32_t>& ids, size_t results) const;
  Status usable() const;
  void work();
  Status run(const Job& job);

  const std::shared_ptr<Model> model_;
  const Graph graph_;
  const SessionOptions options_;
  const Access access_;
  const Requirements requirements_;
  Monitor monitor_;
  EngineMemory memory_;
  Region recording_;

  std::atomic<bool> cancelled_ = false;
  std::atomic<uint64_t> position_ = 0;
  std::atomic<uint64_t> tokens_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::unique_ptr<Job> job_;  // waiting for the engine thread
  bool busy_ = false;         // a job waits or runs
  bool stop_ = false;

  std::mutex close_mutex_;
  std::unique_ptr<LayerStore> store_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<Thread> thread_;
};

}  // namespace hyperion
