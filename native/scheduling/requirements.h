// What a session needs, computed before anything is allocated: the smallest budget, the chunk of a
// prefill, what fits.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "loading/choose_reading.h"
#include "memory/strategy.h"
#include "scheduling/graph.h"
#include "scheduling/layouts.h"
#include "scheduling/parts.h"

namespace hyperion {

struct SessionOptions {
  uint64_t budget = kUnlimited;  // bytes
  uint64_t threads = 1;
  uint64_t prefetch_window = 2;  // layers
  uint64_t readers = 3;
  Io io = Io::automatic;
  StrategyConfig strategy = {};
  KvType kv = KvType::f32;
  PolicyKind policy = PolicyKind::cyclic;
  bool adaptive_window = false;
};

// INVALID for numbers outside their ranges.
Status check_options(const SessionOptions& options);

// Events that a recording keeps; the ring is charged while a recording runs and planned for always.
inline constexpr uint64_t kRecordedEvents = 4096;
inline constexpr uint64_t kRecordingBytes = kRecordedEvents * sizeof(Event);

// In bytes unless the name says otherwise.
struct Plan {
  uint64_t smallest_budget;  // the least budget under which the session runs
  uint64_t working_set;      // the least budget under which no layer is read twice
  uint64_t activations;
  uint64_t kv;
  uint64_t scratch;
  uint64_t staging;
  uint64_t weights;        // of all layers together
  uint64_t largest_part;   // what of them must be resident at one time
  uint64_t prefill_chunk;  // tokens
};

// Thread-safe.
class Requirements {
 public:
  // REQUIRES: graph and model outlive this; the graph was checked against the model.
  Requirements(const Graph& graph, const Model& model, const SessionOptions& options);

  // The budget from now on. The parts stay as they were cut, and a fixed strategy's pool as large.
  // REQUIRES: check_budget() is OK with it.
  void set_budget(uint64_t budget) { room_ = room_under(budget); }

  // The strategy of the options. A fixed one without a pool's size gets what the budget leaves
  // beside a recording, or without a budget what the whole context needs.
  const StrategyConfig& strategy() const { return strategy_; }

  // Layers as they are loaded; lookup-only layers included.
  const Parts& parts() const { return parts_; }
  uint64_t part_bytes() const { return part_bytes_; }

  // Bytes by part, as the session's strategy reserves them.
  uint64_t activations(uint64_t rows) const;
  uint64_t kv(const Extent& extent) const;
  uint64_t scratch(const Extent& extent) const;  // attention's and a recording's
  uint64_t staging() const { return staging_; }
  uint64_t weights() const { return weights_; }
  uint64_t largest_part() const { return largest_part_; }

  // The least budget with which a session for so many tokens can be created.
  uint64_t smallest_budget(const Extent& extent) const;

  // The least budget with which this one goes on, whose parts are cut, while a pass has activations
  // for `rows` tokens.
  uint64_t smallest_running(const Extent& extent, uint64_t rows = 0) const;

  // The least budget that holds every layer, the embedding table too, beside all else.
  uint64_t working_set(const Extent& extent) const;
  bool everything_fits(const Extent& extent) const;

  // Tokens that a pass computes together, of one sequence or of several: the largest power of two
  // from 8 to 512, and no more than the context, whose activations take an eighth of the budget at
  // most and leave room for the rest: for all layers where these fit, else for the largest part.
  // At least 8, or the context. Where the graph reads whole texts, at least the longest.
  uint64_t chunk(const Extent& extent) const;

  // The least that chunk() returns.
  uint64_t smallest_chunk(const Extent& extent) const;

  // INVALID for a fixed strategy's pool that is larger than the budget.
  Status check_strategy() const;

  // INVALID for sequences that are empty or longer than the context.
  Status check_positions(uint64_t positions) const;

  // OVER_BUDGET, with the smallest budget, when the sequences cannot fit.
  Status check(const Extent& extent) const;

  // Whether the session can go on with another budget, holding the sequences and a pass's
  // activations for `rows` tokens: else OVER_BUDGET, or INVALID where a fixed strategy's pool is in
  // the way, with the smallest that will do.
  Status check_budget(uint64_t budget, const Extent& extent, uint64_t rows) const;

  Plan plan(const Extent& extent) const;

 private:
  uint64_t room_under(uint64_t budget) const;
  void cut_layers(const Model& model);
  uint64_t largest_of(const Parts& parts) const;
  void size_fixed_pool();
  uint64_t fitting_positions(uint64_t positions) const;
  uint64_t without_activations(const Extent& extent, uint64_t weights) const;
  uint64_t footprint(uint64_t bytes, uint64_t count = 1) const;

  const Graph& graph_;
  const SessionOptions options_;
  StrategyConfig strategy_;
  // The budget, or what a fixed strategy's pool and a recording take.
  std::atomic<uint64_t> room_ = kUnlimited;
  uint64_t part_bytes_ = 0;
  Parts parts_;
  uint64_t staging_ = 0;
  uint64_t weights_ = 0;
  uint64_t largest_part_ = 0;  // of the smallest parts there can be
  uint64_t largest_cut_ = 0;   // of the parts as they are
};

}  // namespace hyperion
