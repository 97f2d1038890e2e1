#include "inference/executor.h"

#include <algorithm>
#include <bit>

namespace hyperion {
namespace {

// The rows whose results are asked.
std::vector<uint64_t> asked_rows(std::span<const Place> places) {
  std::vector<uint64_t> rows;
  for (uint64_t row = 0; row < places.size(); ++row) {
    if (places[row].asked) rows.push_back(row);
  }
  return rows;
}

}  // namespace

Executor::Executor(Parts parts, const SessionOptions& options, Access access)
    : reads_rows_(options.io != Io::mapped),
      graph_(parts.graph),
      requirements_(parts.requirements),
      memory_(parts.memory),
      store_(parts.store),
      activations_(parts.graph, parts.memory),
      cache_(parts.graph, options.kv, parts.memory),
      scratch_(parts.graph, options.threads, parts.memory),
      rows_(parts.model, access, options.readers, parts.memory, parts.cancelled),
      team_(options.threads),
      team_size_(team_.size()),
      operations_(parts.graph, parts.model,
                  {activations_, cache_, scratch_, team_, store_, rows_, parts.cancelled}) {}

Status Executor::forward(const Pass& pass) {
  const Extent extent(pass.lengths);
  uint64_t chunk;
  {
    const auto sizes = hold_sizes();
    chunk = requirements_.chunk(extent);
    if (Status status = make_room(pass, extent, chunk); !status.ok()) return status;
    sized_rows_ = activations_.rows();
  }
  const Status status = run_chunks(pass, extent, chunk);
  const auto sizes = hold_sizes();
  sized_rows_ = 0;
  return status;
}

void Executor::release(std::span<const uint64_t> lengths) {
  activations_.free();
  scratch_.free();
  cache_.shrink(lengths);
}

Status Executor::run_chunks(const Pass& pass, const Extent& extent, uint64_t chunk) {
  const std::span<const int32_t> ids = pass.ids;
  const std::span<const Place> places = pass.places;
  float* results = pass.results;
  size_t end = chunk_end(pass, 0, chunk);
  std::vector<uint64_t> asked = asked_rows(places.first(end));
  for (size_t begin = 0; begin < ids.size();) {
    const size_t next_end = chunk_end(pass, end, chunk);
    std::vector<uint64_t> next_asked = asked_rows(places.subspan(end, next_end - end));
    // Another pass is likely to ask for something.
    const bool next_with_head = !next_asked.empty() || end == ids.size();
    lookups_resident_ = requirements_.everything_fits(extent);
    store_.begin_pass(pass_order(!asked.empty()), pass_order(next_with_head));
    const size_t count = end - begin;
    const Step step = {ids.subspan(begin, count), places.subspan(begin, count), count, results,
                       nullptr};
    if (Status status = run_watched(step, asked); !status.ok()) return status;
    results += asked.size() * result_width(graph_);
    begin = end;
    end = next_end;
    asked = std::move(next_asked);
  }
  return store_.check_mapped();
}

// Where a chunk ends: a text that is read whole is not parted.
size_t Executor::chunk_end(const Pass& pass, size_t begin, uint64_t chunk) const {
  const size_t tokens = pass.places.size();
  size_t end = begin + std::min<uint64_t>(chunk, tokens - begin);
  if (!reads_whole_text(graph_)) return end;
  while (end < tokens && pass.places[end].position > 0) --end;
  return end;
}

// Sizes everything for the sequences that this pass makes.
Status Executor::make_room(const Pass& pass, const Extent& extent, uint64_t chunk) {
  if (Status status = requirements_.check(extent); !status.ok()) return status;
  // A decode step keeps the smallest room: the rest of the budget serves the layers.
  const uint64_t fewest = requirements_.smallest_chunk(extent);
  const uint64_t rows = std::clamp<uint64_t>(std::bit_ceil(pass.ids.size()), fewest, chunk);
  // What changes size is freed before anything grows, or old and new together could exceed the
  // budget. And it is freed in the reverse of the order in which it was allocated: staging, cache,
  // scratch, activations, so that a strategy which reuses room in that order alone can.
  const bool cache_changes = !cache_.has_size(pass.lengths) || !scratch_.has_size(extent);
  if (cache_changes || activations_.rows() != rows) activations_.free();
  if (cache_changes) scratch_.free();
  if (Status status = make_staging(); !status.ok()) return status;
  if (Status status = cache_.resize(pass.lengths); !status.ok()) return status;
  if (Status status = scratch_.resize(extent); !status.ok()) return status;
  return activations_.resize(rows);
}

// For all lookups, whether they read rows in this pass or where more is held beside the tables:
// made later it would lie above the cache and what else changes size, and keep their room from
// serving again.
Status Executor::make_staging() {
  if (!reads_rows_) return {};
  for (const GraphLayer& layer : graph_.layers) {
    if (!is_lookup_only(layer)) continue;
    for (const Op& op : layer.ops) {
      Status status = rows_.make_staging(std::get<Embed>(op).table);
      if (!status.ok()) return status;
    }
  }
  return {};
}

// With as many threads as earlier passes ask for.
Status Executor::run_watched(const Step& chunk, std::span<const uint64_t> asked) {
  team_.resize(team_size_.begin(chunk.count));
  const auto times = [&] {
    return TeamPass{now_ms(), compute_ms_, store_.statistics().busy.reading_ms};
  };
  const TeamPass begin = times();
  Status status = run_chunk(chunk, asked);
  const TeamPass end = times();
  if (status.ok()) {
    team_size_.note(
        {end.all - begin.all, end.computing - begin.computing, end.reading - begin.reading});
  }
  return status;
}

Status Executor::run_chunk(const Step& chunk, std::span<const uint64_t> asked) {
  Monitor& monitor = memory_.monitor();
  monitor.record(EventKind::pass_begin, kNoLayer, 0);
  for (uint64_t t = 0; t < chunk.count; ++t) activations_.turn_to(t, chunk.places[t].position);
  Step step = chunk;
  Status status;
  for (size_t i = 0; i < graph_.layers.size() && status.ok(); ++i) {
    const bool begins_head = graph_.layers[i].head && (i == 0 || !graph_.layers[i - 1].head);
    if (begins_head && asked.empty()) break;
    if (begins_head) {
      activations_.keep(asked);
      step.count = asked.size();
    }
    status = run_layer(i, step);
  }
  monitor.record(EventKind::pass_end, kNoLayer, 0);
  return status;
}

Status Executor::run_layer(size_t index, Step step) {
  const LayerTasks& layer = requirements_.parts().layers[index];
  const Result<std::optional<PartPin>> base = acquire_base(index);
  if (!base.ok()) return base.status();
  if (base.value()) step.weights = &*base.value();
  Monitor& monitor = memory_.monitor();
  monitor.record(EventKind::compute_begin, static_cast<int>(index), 0);
  Status status;
  for (const Task& task : layer.tasks) {
    status = run_task(index, task, step);
    if (!status.ok()) break;
  }
  monitor.record(EventKind::compute_end, static_cast<int>(index), 0);
  return status;
}

// The layer's first part; none of a lookup that reads rows, as it does from now on where the budget
// has shrunk below the whole table.
Result<std::optional<PartPin>> Executor::acquire_base(size_t index) {
  if (!is_loaded_whole(index)) return std::optional<PartPin>();
  Result<PartPin> acquired = store_.acquire(requirements_.parts().layers[index].base);
  if (acquired.ok()) return std::optional<PartPin>(std::move(acquired.value()));
  const bool can_read_rows = reads_rows_ && is_lookup_only(graph_.layers[index]);
  if (!can_read_rows || acquired.status().code() != Code::over_budget) return acquired.status();
  lookups_resident_ = false;
  return std::optional<PartPin>();
}

Status Executor::run_task(size_t layer, const Task& task, const Step& step) {
  const Op& op = graph_.layers[layer].ops[task.op];
  std::optional<PartPin> part;
  if (task.part != kNoPart) {
    Result<PartPin> acquired = store_.acquire(task.part);
    if (!acquired.ok()) return acquired.status();
    part.emplace(std::move(acquired.value()));
  }
  const double begin = now_ms() - rows_.wait_ms();
  const Status status = part ? operations_.run_rows(std::get<MatMul>(op), step, *part, task)
                             : operations_.run(op, step);
  compute_ms_ = compute_ms_ + (now_ms() - rows_.wait_ms() - begin);
  return status;
}

// Lookups read single rows unless the table can stay. A tied table is loaded with the layer that
// multiplies by it.
bool Executor::is_loaded_whole(size_t index) const {
  if (!is_lookup_only(graph_.layers[index])) return true;
  return lookups_resident_ && requirements_.parts().layers[index].bytes > 0;
}

std::vector<int> Executor::pass_order(bool with_head) const {
  std::vector<int> order;
  const auto add = [&](int part) {
    if (part != kNoPart && (order.empty() || order.back() != part)) order.push_back(part);
  };
  for (size_t i = 0; i < graph_.layers.size(); ++i) {
    const bool skipped = graph_.layers[i].head && !with_head;
    if (skipped || !is_loaded_whole(i)) continue;
    const LayerTasks& layer = requirements_.parts().layers[i];
    add(layer.base);
    for (const Task& task : layer.tasks) add(task.part);
  }
  return order;
}

}  // namespace hyperion
