// Walks the layers of a graph over chunks of tokens, with each layer's weights pinned while it
// computes.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "inference/adaptive_team.h"
#include "inference/operations.h"
#include "scheduling/requirements.h"

namespace hyperion {

// Tokens for sequences, side by side: those that a sequence gets follow each other.
struct Pass {
  std::vector<int32_t> ids;
  std::vector<Place> places;
  std::vector<uint64_t> lengths;  // of every sequence when the pass is done
  float* results;                 // `result_width` floats for each token that asks
};

// One thread at a time, except for the counters and what the budget's change asks.
class Executor {
 public:
  struct Parts {
    const Graph& graph;
    const Model& model;
    const Requirements& requirements;
    EngineMemory& memory;
    LayerStore& store;
    const std::atomic<bool>& cancelled;
  };

  // REQUIRES: the parts outlive this. The calling thread becomes thread 0 of the team.
  Executor(Parts parts, const SessionOptions& options, Access access);

  // Computes tokens that follow those in the KV cache.
  // OVER_BUDGET before any work; CANCELLED, IO, CORRUPT, OUT_OF_MEMORY. After an error the
  // positions before the pass are as they were, and the same call may be made again. REQUIRES: 0
  // <= id < vocab; lengths <= context length; ids is not empty; whole texts where the graph reads
  // these.
  Status forward(const Pass& pass);

  // Frees what sequences of these lengths do not need of the KV cache.
  void shrink(std::span<const uint64_t> lengths) { cache_.shrink(lengths); }

  // Frees what sequences of these lengths do not need between passes.
  void release(std::span<const uint64_t> lengths);

  // While this is held no pass sizes what it needs: the budget can change. Any thread.
  std::unique_lock<std::mutex> hold_sizes() { return std::unique_lock(sizes_mutex_); }

  // For how many tokens the running pass holds activations; 0 before it has sized them, which it
  // does not do under hold_sizes(). Any thread.
  uint64_t sized_rows() const { return sized_rows_; }

  // Time in operations, without what lookups spent in reading.
  double compute_ms() const { return compute_ms_; }
  // Threads that the latest pass computed with.
  size_t threads() const { return team_.size(); }
  ReadTotals lookups() const { return rows_.totals(); }
  double lookup_wait_ms() const { return rows_.wait_ms(); }

  // Wakes a pass that waits for rows, to look at `cancelled`.
  void interrupt() { rows_.interrupt(); }

  // Threads that read rows; 0 when the operating system refused them all.
  size_t reader_threads() const { return rows_.threads(); }

 private:
  Status run_chunks(const Pass& pass, const Extent& extent, uint64_t chunk);
  Status make_room(const Pass& pass, const Extent& extent, uint64_t chunk);
  Status make_staging();
  size_t chunk_end(const Pass& pass, size_t begin, uint64_t chunk) const;
  Status run_watched(const Step& chunk, std::span<const uint64_t> asked);
  Status run_chunk(const Step& chunk, std::span<const uint64_t> asked);
  Status run_layer(size_t index, Step step);
  Result<std::optional<PartPin>> acquire_base(size_t index);
  Status run_task(size_t layer, const Task& task, const Step& step);
  bool is_loaded_whole(size_t index) const;
  std::vector<int> pass_order(bool with_head) const;

  const bool reads_rows_;  // false where every table is mapped
  const Graph& graph_;
  const Requirements& requirements_;
  EngineMemory& memory_;
  LayerStore& store_;
  Activations activations_;
  KvCache cache_;
  AttentionScratch scratch_;
  RowReader rows_;
  Team team_;
  AdaptiveTeam team_size_;
  Operations operations_;
  bool lookups_resident_ = false;  // whether lookup-only layers are loaded, because everything fits
  std::mutex sizes_mutex_;
  std::atomic<uint64_t> sized_rows_ = 0;
  std::atomic<double> compute_ms_ = 0;
};

}  // namespace hyperion
