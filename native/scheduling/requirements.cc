#include "scheduling/requirements.h"

#include <algorithm>

#include "base/checked.h"
#include "base/format.h"
#include "loading/row_reader.h"

namespace hyperion {
namespace {

constexpr uint64_t kSmallestChunk = 8;
constexpr uint64_t kLargestChunk = 512;
constexpr uint64_t kActivationShare = 8;  // activations take one part in so many of the budget
constexpr uint64_t kRecordedPages = round_up(kRecordingBytes, kPageSize);

// Tied weights: the table of a lookup is a tensor of another layer too.
bool is_held_elsewhere(const Graph& graph, const GraphLayer& layer, uint32_t tensor) {
  return std::any_of(graph.layers.begin(), graph.layers.end(), [&](const GraphLayer& other) {
    return &other != &layer &&
           std::find(other.tensors.begin(), other.tensors.end(), tensor) != other.tensors.end();
  });
}

}  // namespace

Status check_options(const SessionOptions& options) {
  const auto check = [](const char* name, uint64_t value, uint64_t least, uint64_t most) {
    if (value >= least && value <= most) return Status();
    return Status(Code::invalid, std::string(name) + " is " + std::to_string(value) +
                                     "; it must be from " + std::to_string(least) + " to " +
                                     std::to_string(most));
  };
  if (Status s = check("threads", options.threads, 1, 256); !s.ok()) return s;
  if (Status s = check("readers", options.readers, 1, 64); !s.ok()) return s;
  if (Status s = check("prefetchWindow", options.prefetch_window, 0, 65536); !s.ok()) return s;
  if (Status s = check("budget", options.budget, 1, kUnlimited); !s.ok()) return s;
  // The pool of a fixed strategy may be left to the requirements.
  StrategyConfig strategy = options.strategy;
  strategy.initial_pool_size = std::max<uint64_t>(strategy.initial_pool_size, 1);
  return hyperion::check(strategy);
}

Requirements::Requirements(const Graph& graph, const Model& model, const SessionOptions& options)
    : graph_(graph), options_(options), strategy_(options.strategy), room_(options.budget) {
  for (const GraphLayer& layer : graph.layers) {
    std::vector<uint32_t> resident = layer.tensors;
    if (is_lookup_only(layer)) {
      for (const Op& op : layer.ops) {
        const Tensor& table = model.tensors()[std::get<Embed>(op).table];
        staging_ = std::max(staging_, row_staging_bytes(table, options.readers));
      }
      // A table that another layer brings along is not held twice.
      std::erase_if(resident,
                    [&](uint32_t table) { return is_held_elsewhere(graph, layer, table); });
    }
    layers_.push_back({layer.name, lay_out(model, resident)});
    const uint64_t bytes = footprint(layers_.back().layout.bytes);
    weights_ += bytes;
    if (!is_lookup_only(layer)) largest_layer_ = std::max(largest_layer_, bytes);
  }
  staging_ = footprint(staging_);
  if (strategy_.kind == StrategyConfig::Kind::fixed) size_fixed_pool();
}

void Requirements::size_fixed_pool() {
  uint64_t& pool = strategy_.initial_pool_size;
  if (pool == 0 && options_.budget == kUnlimited) {
    const uint64_t rows = std::max(std::min(kLargestChunk, graph_.context_length),
                                   smallest_chunk(graph_.context_length));
    pool = without_activations(graph_.context_length, weights_) + activations(rows);
  } else if (pool == 0) {
    pool = round_down(options_.budget - std::min(options_.budget, kRecordedPages), kPageSize);
  }
  pool = round_up(pool, kPageSize);
  room_ = std::min(options_.budget, pool + kRecordedPages);
}

uint64_t Requirements::footprint(uint64_t bytes, uint64_t count) const {
  return bytes == 0 ? 0 : hyperion::footprint(strategy_, bytes, count);
}

uint64_t Requirements::activations(uint64_t rows) const {
  return footprint(ActivationLayout(graph_, rows).bytes);
}

uint64_t Requirements::kv(uint64_t positions) const {
  const KvLayout layout(graph_);
  return footprint(layout.block_bytes(), layout.blocks(positions));
}

uint64_t Requirements::scratch(uint64_t positions) const {
  const uint64_t blocks = KvLayout(graph_).blocks(positions);
  return footprint(AttentionLayout(graph_, options_.threads, blocks).bytes) + kRecordedPages;
}

uint64_t Requirements::without_activations(uint64_t positions, uint64_t weights) const {
  return overhead(strategy_) + weights + kv(positions) + scratch(positions) + staging_;
}

uint64_t Requirements::smallest_chunk(uint64_t positions) const {
  if (reads_whole_text(graph_)) return positions;
  return std::min(kSmallestChunk, graph_.context_length);
}

uint64_t Requirements::smallest_budget(uint64_t positions) const {
  return without_activations(positions, largest_layer_) + activations(smallest_chunk(positions));
}

uint64_t Requirements::working_set(uint64_t positions) const {
  return without_activations(positions, weights_) + activations(smallest_chunk(positions));
}

bool Requirements::everything_fits(uint64_t positions) const {
  return working_set(positions) <= room_;
}

uint64_t Requirements::chunk(uint64_t positions) const {
  if (reads_whole_text(graph_)) return positions;
  // A larger chunk is not worth reading layers again that could have stayed.
  const uint64_t weights = everything_fits(positions) ? weights_ : largest_layer_;
  const uint64_t rest = without_activations(positions, weights);
  const uint64_t fewest = smallest_chunk(positions);
  for (uint64_t rows = kLargestChunk; rows > fewest; rows /= 2) {
    if (rows > graph_.context_length) continue;
    const uint64_t bytes = activations(rows);
    if (bytes <= room_ / kActivationShare && rest + bytes <= room_) return rows;
  }
  return fewest;
}

Status Requirements::check_strategy() const {
  const uint64_t most = options_.budget - std::min(options_.budget, kRecordedPages);
  if (strategy_.kind != StrategyConfig::Kind::fixed || strategy_.initial_pool_size <= most) {
    return {};
  }
  return Status(Code::invalid,
                "initialPoolSize is " + format_bytes(strategy_.initial_pool_size) +
                    "; the budget of " + format_bytes(options_.budget) + " leaves " +
                    format_bytes(most) + " for it",
                {{"initialPoolBytes", static_cast<double>(strategy_.initial_pool_size)},
                 {"budgetBytes", static_cast<double>(options_.budget)}});
}

Status Requirements::check_positions(uint64_t positions) const {
  if (positions >= 1 && positions <= graph_.context_length) return {};
  return Status(Code::invalid,
                "a sequence of " + std::to_string(positions) +
                    " tokens: the model's context holds 1 to " +
                    std::to_string(graph_.context_length),
                {{"positions", static_cast<double>(positions)},
                 {"contextLength", static_cast<double>(graph_.context_length)}});
}

Status Requirements::check(uint64_t positions) const {
  const uint64_t smallest = smallest_budget(positions);
  if (smallest <= room_) return {};
  const Status status = over_budget(smallest, room_, smallest);
  Details details = status.details();
  const auto add = [&](const char* name, uint64_t value) {
    if (value > 0) add_detail(details, name, static_cast<double>(value));
  };
  add("largestLayerBytes", largest_layer_);
  add("activationBytes", activations(smallest_chunk(positions)));
  add("kvBytes", kv(positions));
  add("scratchBytes", scratch(positions));
  add("stagingBytes", staging_);
  add("strategyBytes", overhead(strategy_));
  add("fittingTokens", fitting_positions(positions));
  return Status(status.code(), status.message(), std::move(details));
}

// The longest sequence below `positions` that the budget has room for; 0 when there is none.
uint64_t Requirements::fitting_positions(uint64_t positions) const {
  uint64_t fitting = 0;
  uint64_t beyond = positions;
  while (beyond - fitting > 1) {
    const uint64_t middle = fitting + (beyond - fitting) / 2;
    (smallest_budget(middle) <= room_ ? fitting : beyond) = middle;
  }
  return fitting;
}

Plan Requirements::plan(uint64_t positions) const {
  const uint64_t rows = chunk(positions);
  return {
      .smallest_budget = smallest_budget(positions),
      .working_set = working_set(positions),
      .activations = activations(rows),
      .kv = kv(positions),
      .scratch = scratch(positions),
      .staging = staging_,
      .weights = weights_,
      .largest_layer = largest_layer_,
      .prefill_chunk = rows,
  };
}

}  // namespace hyperion
