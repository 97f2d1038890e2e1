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

// Reads of so many bytes reach the disk's speed, and what is in a ring of them stays in a processor's
// cache, into which some disks write, until it is computed with; smaller parts serve small budgets.
constexpr uint64_t kLargestPart = 1024 * 1024;
constexpr uint64_t kSmallestPart = 256 * 1024;
// Parts for which the budget should have room: three rings of eight, so that the slots of a ring,
// which are smaller than a huge page, are taken by the huge page (LayerStore).
constexpr uint64_t kPartsAtOnce = 24;

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
  if (options.io == Io::mapped && options.strategy.kind == StrategyConfig::Kind::fixed) {
    return Status(Code::invalid,
                  "io is 'mmap', whose weights cannot lie in the pool of a static strategy; take "
                  "another strategy, or another io");
  }
  // The pool of a fixed strategy may be left to the requirements.
  StrategyConfig strategy = options.strategy;
  strategy.initial_pool_size = std::max<uint64_t>(strategy.initial_pool_size, 1);
  return hyperion::check(strategy);
}

Requirements::Requirements(const Graph& graph, const Model& model, const SessionOptions& options)
    : graph_(graph), options_(options), strategy_(options.strategy), room_(options.budget) {
  for (const GraphLayer& layer : graph.layers) {
    if (!is_lookup_only(layer) || options.io == Io::mapped) continue;
    for (const Op& op : layer.ops) {
      const Tensor& table = model.tensors()[std::get<Embed>(op).table];
      staging_ = std::max(staging_, row_staging_bytes(table, options.readers));
    }
  }
  staging_ = footprint(staging_);
  cut_layers(model);
  if (strategy_.kind == StrategyConfig::Kind::fixed) size_fixed_pool();
}

// Into the largest parts of which the budget holds some beside the longest sequence. (What is
// mapped stays whole.)
void Requirements::cut_layers(const Model& model) {
  part_bytes_ = kSmallestPart;
  parts_ = cut(graph_, model, part_bytes_);
  largest_part_ = largest_of(parts_);
  const uint64_t rest = smallest_budget(graph_.context_length);
  for (uint64_t bytes = kLargestPart; bytes > kSmallestPart; bytes /= 2) {
    const uint64_t needed = checked_add(rest, kPartsAtOnce * bytes).value_or(kUnlimited);
    if (needed > room_ && options_.io != Io::mapped) continue;
    part_bytes_ = bytes;
    parts_ = cut(graph_, model, bytes);
    break;
  }
  largest_cut_ = largest_of(parts_);
  for (const StoredPart& part : parts_.parts) weights_ += footprint(part.layout.bytes);
  if (options_.io == Io::mapped) largest_part_ = largest_cut_ = weights_;
}

// What must be resident at one time.
uint64_t Requirements::largest_of(const Parts& parts) const {
  uint64_t largest = 0;
  for (size_t i = 0; i < parts.layers.size(); ++i) {
    if (is_lookup_only(graph_.layers[i])) continue;
    const LayerTasks& layer = parts.layers[i];
    const uint64_t base = parts.parts[static_cast<size_t>(layer.base)].layout.bytes;
    largest = std::max(largest, footprint(base) + footprint(layer.largest_part));
  }
  return largest;
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
  room_ = room_under(options_.budget);
}

uint64_t Requirements::room_under(uint64_t budget) const {
  if (strategy_.kind != StrategyConfig::Kind::fixed) return budget;
  return std::min(budget, strategy_.initial_pool_size + kRecordedPages);
}

uint64_t Requirements::footprint(uint64_t bytes, uint64_t count) const {
  return bytes == 0 ? 0 : hyperion::footprint(strategy_, bytes, count);
}

uint64_t Requirements::activations(uint64_t rows) const {
  return footprint(ActivationLayout(graph_, rows).bytes);
}

uint64_t Requirements::kv(const Extent& extent) const {
  return footprint(KvLayout(graph_, options_.kv).block_bytes(), extent.blocks);
}

uint64_t Requirements::scratch(const Extent& extent) const {
  return footprint(AttentionLayout(graph_, options_.threads, extent).bytes) + kRecordedPages;
}

uint64_t Requirements::without_activations(const Extent& extent, uint64_t weights) const {
  return overhead(strategy_) + weights + kv(extent) + scratch(extent) + staging_;
}

uint64_t Requirements::smallest_chunk(const Extent& extent) const {
  if (reads_whole_text(graph_)) return extent.longest;
  return std::min(kSmallestChunk, graph_.context_length);
}

uint64_t Requirements::smallest_budget(const Extent& extent) const {
  return without_activations(extent, largest_part_) + activations(smallest_chunk(extent));
}

uint64_t Requirements::smallest_running(const Extent& extent, uint64_t rows) const {
  return without_activations(extent, largest_cut_) +
         activations(std::max(rows, smallest_chunk(extent)));
}

uint64_t Requirements::working_set(const Extent& extent) const {
  return without_activations(extent, weights_) + activations(smallest_chunk(extent));
}

bool Requirements::everything_fits(const Extent& extent) const {
  return working_set(extent) <= room_;
}

uint64_t Requirements::chunk(const Extent& extent) const {
  const uint64_t most = reads_whole_text(graph_) ? extent.positions : graph_.context_length;
  // A larger chunk is not worth reading layers again that could have stayed.
  const uint64_t weights = everything_fits(extent) ? weights_ : largest_cut_;
  const uint64_t rest = without_activations(extent, weights);
  const uint64_t fewest = smallest_chunk(extent);
  for (uint64_t rows = kLargestChunk; rows > fewest; rows /= 2) {
    if (rows > most) continue;
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

Status Requirements::check(const Extent& extent) const {
  const uint64_t smallest = smallest_running(extent);
  const uint64_t room = room_;
  if (smallest <= room) return {};
  const Status status = over_budget(smallest, room, smallest);
  Details details = status.details();
  const auto add = [&](const char* name, uint64_t value) {
    if (value > 0) add_detail(details, name, static_cast<double>(value));
  };
  add("largestPartBytes", largest_cut_);
  add("activationBytes", activations(smallest_chunk(extent)));
  add("kvBytes", kv(extent));
  add("scratchBytes", scratch(extent));
  add("stagingBytes", staging_);
  add("strategyBytes", overhead(strategy_));
  if (extent.positions == extent.longest) add("fittingTokens", fitting_positions(extent.longest));
  return Status(status.code(), status.message(), std::move(details));
}

Status Requirements::check_budget(uint64_t budget, const Extent& extent, uint64_t rows) const {
  const uint64_t pool = strategy_.initial_pool_size + kRecordedPages;
  if (strategy_.kind == StrategyConfig::Kind::fixed && budget < pool) {
    return Status(Code::invalid,
                  "the budget cannot be " + format_bytes(budget) +
                      ": the static strategy took its pool when the session was created, and with "
                      "a recording that is " +
                      format_bytes(pool) + " (" + std::to_string(pool) +
                      " bytes); another strategy gives memory back",
                  {{"budgetBytes", static_cast<double>(budget)},
                   {"smallestBudgetBytes", static_cast<double>(pool)}});
  }
  const uint64_t smallest = smallest_running(extent, rows);
  if (smallest <= budget) return {};
  const Status status = over_budget(smallest, budget, smallest);
  Details details = status.details();
  add_detail(details, "partBytes", static_cast<double>(part_bytes_));
  add_detail(details, "kvBytes", static_cast<double>(kv(extent)));
  return Status(status.code(),
                status.message() + " for what the session holds and its generation still needs, "
                                   "with weights in parts of up to " +
                    format_bytes(part_bytes_) + ", as they were cut when it was created",
                std::move(details));
}

// The longest sequence below `positions` that the budget has room for; 0 when there is none.
uint64_t Requirements::fitting_positions(uint64_t positions) const {
  uint64_t fitting = 0;
  uint64_t beyond = positions;
  while (beyond - fitting > 1) {
    const uint64_t middle = fitting + (beyond - fitting) / 2;
    (smallest_running(middle) <= room_ ? fitting : beyond) = middle;
  }
  return fitting;
}

Plan Requirements::plan(const Extent& extent) const {
  const uint64_t rows = chunk(extent);
  return {
      .smallest_budget = smallest_budget(extent),
      .working_set = working_set(extent),
      .activations = activations(rows),
      .kv = kv(extent),
      .scratch = scratch(extent),
      .staging = staging_,
      .weights = weights_,
      .largest_part = largest_part_,
      .prefill_chunk = rows,
  };
}

}  // namespace hyperion
