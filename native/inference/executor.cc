#include "inference/executor.h"

#include <algorithm>
#include <bit>
#include <optional>

namespace hyperion {

Executor::Executor(Parts parts, const SessionOptions& options, Access access)
    : reads_rows_(access != Access::mapped),
      graph_(parts.graph),
      requirements_(parts.requirements),
      memory_(parts.memory),
      store_(parts.store),
      activations_(parts.graph, parts.memory),
      cache_(parts.graph, parts.memory),
      scratch_(parts.graph, options.threads, parts.memory),
      rows_(parts.model, access, options.readers, parts.memory, parts.cancelled),
      team_(options.threads),
      operations_(parts.graph, parts.model,
                  {activations_, cache_, scratch_, team_, store_, rows_, parts.cancelled}) {}

Status Executor::forward(std::span<const int32_t> ids, uint64_t position, ResultRows rows,
                         float* results) {
  const uint64_t positions = position + ids.size();
  const uint64_t chunk = requirements_.chunk(positions);
  if (Status status = make_room(ids.size(), positions, chunk); !status.ok()) return status;
  lookups_resident_ = requirements_.everything_fits(positions);

  for (uint64_t done = 0; done < ids.size(); done += chunk) {
    const uint64_t count = std::min<uint64_t>(chunk, ids.size() - done);
    const uint64_t left = ids.size() - done - count;
    const bool last = left == 0;
    const bool with_head = rows == ResultRows::all || (rows == ResultRows::last && last);
    const bool next_with_head = rows != ResultRows::last || left <= chunk;
    store_.begin_pass(pass_order(with_head), pass_order(next_with_head));
    float* out = rows == ResultRows::all ? results + done * result_width(graph_) : results;
    const Step step = {ids.subspan(done, count), position + done, 0, count, out, nullptr};
    if (Status status = run_chunk(step, rows, last); !status.ok()) return status;
  }
  return {};
}

// Sizes everything for the sequence that this pass makes.
Status Executor::make_room(uint64_t tokens, uint64_t positions, uint64_t chunk) {
  if (Status status = requirements_.check(positions); !status.ok()) return status;
  // A decode step keeps the smallest room: the rest of the budget serves the layers.
  const uint64_t fewest = requirements_.smallest_chunk(positions);
  const uint64_t rows = std::clamp(std::bit_ceil(tokens), fewest, chunk);
  const uint64_t blocks = KvLayout(graph_).blocks(positions);
  // What changes size is freed before anything grows, or old and new together could exceed the
  // budget. And it is freed in the reverse of the order in which it was allocated: staging, cache,
  // scratch, activations, so that a strategy which reuses room in that order alone can.
  const bool cache_changes = cache_.blocks() != blocks || scratch_.blocks() != blocks;
  if (cache_changes || activations_.rows() != rows) activations_.free();
  if (cache_changes) scratch_.free();
  if (Status status = make_staging(); !status.ok()) return status;
  if (Status status = cache_.resize(positions); !status.ok()) return status;
  if (Status status = scratch_.resize(blocks); !status.ok()) return status;
  return activations_.resize(rows);
}

// For all lookups that read rows in this pass or in a longer sequence: made later it would lie
// above the cache and what else changes size, and keep their room from serving again.
Status Executor::make_staging() {
  if (!reads_rows_) return {};
  const bool tables_stay = requirements_.everything_fits(graph_.context_length);
  for (size_t i = 0; i < graph_.layers.size(); ++i) {
    if (!is_lookup_only(graph_.layers[i])) continue;
    if (tables_stay && requirements_.parts().layers[i].bytes > 0) continue;
    for (const Op& op : graph_.layers[i].ops) {
      Status status = rows_.make_staging(std::get<Embed>(op).table);
      if (!status.ok()) return status;
    }
  }
  return {};
}

Status Executor::run_chunk(const Step& chunk, ResultRows rows, bool last) {
  Monitor& monitor = memory_.monitor();
  monitor.record(EventKind::pass_begin, kNoLayer, 0);
  activations_.turn_to(chunk.position, chunk.count);
  const bool with_head = rows == ResultRows::all || (rows == ResultRows::last && last);
  Status status;
  for (size_t i = 0; i < graph_.layers.size() && status.ok(); ++i) {
    Step step = chunk;
    if (graph_.layers[i].head) {
      if (!with_head) break;
      if (rows == ResultRows::last) {
        step.first = chunk.count - 1;
        step.count = 1;
      }
    }
    status = run_layer(i, step);
  }
  monitor.record(EventKind::pass_end, kNoLayer, 0);
  return status;
}

Status Executor::run_layer(size_t index, Step step) {
  const LayerTasks& layer = requirements_.parts().layers[index];
  std::optional<PartPin> base;
  if (is_loaded_whole(index)) {
    Result<PartPin> acquired = store_.acquire(layer.base);
    if (!acquired.ok()) return acquired.status();
    base.emplace(std::move(acquired.value()));
    step.weights = &*base;
  }
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
