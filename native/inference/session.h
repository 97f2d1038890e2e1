// Sequences on one model under one budget: an engine thread that runs forward passes, and
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
  uint64_t threads = 0;   // that the latest pass computed with
  uint64_t tokens = 0;    // computed since the session began
  uint64_t position = 0;  // tokens in the KV cache, of all sequences
  uint64_t prefill_chunk = 0;
  Access access = Access::buffered;
  std::vector<int> resident_layers;
};

// Sequences are numbered below this. Those that nothing was appended to cost nothing.
inline constexpr uint32_t kMostSequences = 1024;

enum class ResultRows { none, last, all };

// What a pass appends to one sequence.
struct SequencePart {
  uint32_t sequence;
  uint64_t tokens;
  ResultRows rows;  // of which tokens it makes the result
};

// Thread-safe. Only close() and set_budget() wait for engine threads.
class Session {
 public:
  // OVER_BUDGET, with the smallest budget, before any allocation; INVALID for a graph that does not
  // fit the model; UNSUPPORTED for a way of reading that is refused here.
  static Result<std::shared_ptr<Session>> create(std::shared_ptr<Model> model, Graph graph,
                                                 const SessionOptions& options);
  ~Session() { close(); }

  // Whether sequences of these lengths fit together: OVER_BUDGET with their smallest budget,
  // INVALID for one that is empty or beyond the context.
  Status reserve(std::span<const uint64_t> lengths) const;

  // The same for sequences by their numbers, some of which may stay empty; and from now on
  // set_budget() leaves room for them, in place of those named before.
  Status keep_room(std::vector<uint64_t> lengths);

  // The least budget for sequences of these lengths, by their numbers, and for a pass that runs;
  // for what set_budget() leaves room for where none are named.
  uint64_t smallest_budget(std::vector<uint64_t> lengths) const;

  // Another budget, at once, also in the middle of a pass: weights give way until no more is held,
  // for which this waits. Results stay the same to the bit. OVER_BUDGET, with the smallest that
  // will do, below what sequences, the running pass and keep_room() need; INVALID for none, and
  // below the pool of a fixed strategy; CLOSED also when the session is closed meanwhile. Nothing
  // has changed after the first two.
  Status set_budget(uint64_t bytes);

  // Runs on the engine thread, once there, with the outcome. A failed pass appends nothing: the
  // position stays.
  using Done = std::function<void(const Status&)>;

  // Starts appending to sequences: `ids` are the tokens of all parts, in their order, and `results`
  // takes the rows of `result_width` floats that they ask for; it stays alive until `done` runs.
  // What a sequence gives is the same to the bit whatever others are beside it. INVALID (and `done`
  // never runs) when another pass is running or an argument is wrong.
  Status forward(std::vector<int32_t> ids, std::span<const SequencePart> parts,
                 std::span<float> results, Done done);

  // Forgets the tokens of a sequence from `position` on; their blocks go back to the budget.
  // INVALID while a pass runs, for a position that it has not reached, and within a text that is
  // read whole.
  Status rewind(uint32_t sequence, uint64_t position);

  // Empties all sequences. INVALID while a pass runs.
  Status reset();

  // Stops the running pass, which ends CANCELLED. Nothing happens when none runs.
  void cancel();

  // Begins to close without waiting: the running pass ends CLOSED. REQUIRES: close() has not begun.
  void begin_close();

  // Stops the running pass and set_budget() (CLOSED), joins all threads, frees all bytes. May be
  // called again.
  void close();

  uint64_t budget() const { return memory_.budget().limit(); }
  MemoryCounts memory() const { return monitor_.counters.snapshot(); }
  EngineMemory& engine_memory() { return memory_; }
  const StrategyConfig& strategy() const { return requirements_.strategy(); }
  SessionStatistics statistics() const;
  StoreReport loading() const { return store_->report(); }
  void set_priority(int layer, double priority) { store_->set_priority(layer, priority); }

  // Switches the event ring on (charging it) or off (dropping what was not drained).
  Status record_events(bool on);
  EventLog::Drained drain_events() { return monitor_.events.drain(); }

 private:
  struct Job {
    Pass pass;
    Done done;
  };

  Session(std::shared_ptr<Model> model, Graph graph, const SessionOptions& options, Access access);
  Status check_ids(const std::vector<int32_t>& ids) const;
  Result<Pass> plan_pass(std::vector<int32_t> ids, std::span<const SequencePart> parts,
                         std::span<float> results) const;
  Status append(Pass& pass, const SequencePart& part) const;
  Status shrink(std::vector<uint64_t> lengths);
  std::vector<uint64_t> needed_lengths() const;
  Status change_budget(uint64_t bytes);
  void adopt_budget(uint64_t bytes);
  Status usable() const;
  void work();
  Status run(const Job& job);

  const std::shared_ptr<Model> model_;
  const Graph graph_;
  const SessionOptions options_;
  Requirements requirements_;
  Monitor monitor_;
  EngineMemory memory_;
  Region recording_;
  bool began_ = false;  // a pass has; the engine thread's

  std::atomic<bool> cancelled_ = false;
  std::atomic<uint64_t> tokens_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<uint64_t> lengths_;       // of every sequence
  std::vector<uint64_t> pass_lengths_;  // when the running pass is done
  std::vector<uint64_t> kept_lengths_;  // that keep_room() named
  std::unique_ptr<Job> job_;            // waiting for the engine thread
  bool busy_ = false;                   // a job waits or runs
  bool stop_ = false;

  std::mutex close_mutex_;
  std::mutex budget_mutex_;  // after close_mutex_, before all others: what it guards is not closed
  std::unique_ptr<LayerStore> store_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<Thread> thread_;
};

}  // namespace hyperion
