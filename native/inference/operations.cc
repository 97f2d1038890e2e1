#include "inference/operations.h"

#include <algorithm>
#include <cstring>

namespace hyperion {

Status Operations::run(const Op& op, const Step& step) {
  Status status =
      std::visit([&](const auto& alternative) { return compute(alternative, step); }, op);
  return status.ok() ? unless_cancelled() : status;
}

Status Operations::unless_cancelled() const {
  return work_.cancelled ? Status(Code::cancelled, "the pass was cancelled") : Status();
}

// Runs a task for each row of the step. One row stays on this thread: waking the team would take
// longer.
void Operations::each_row(const Step& step, FunctionRef<void(uint64_t row)> task) {
  if (step.count == 1) {
    task(0);
    return;
  }
  work_.team.run(step.count, [&](size_t i) {
    if (!work_.cancelled) task(i);
  });
}

// A token's row in a buffer; those of the result lie in the caller's array.
float* Operations::row(uint32_t buffer, uint64_t token, const Step& step) {
  if (buffer != graph_.result) return work_.activations.row(buffer, token);
  return step.results + token * result_width(graph_);
}

Status Operations::compute(const Embed& op, const Step& step) {
  const Tensor& table = model_.tensors()[op.table];
  const uint64_t width = table.shape[1];
  if (const auto holder = work_.store.pin_holder({op.table, 0, table.bytes})) {
    const std::byte* rows = holder->piece(op.table);
    each_row(step, [&](uint64_t t) {
      const auto id = static_cast<uint64_t>(step.ids[t]);
      kernels_.to_f32(rows + id * bytes_of(table.dtype, width), table.dtype, width,
                      work_.activations.row(op.out, t));
    });
    return {};
  }
  return work_.rows.read(op.table, step.ids, work_.activations.row(op.out, 0));
}

Status Operations::compute(const AddRow& op, const Step& step) {
  const Tensor& table = model_.tensors()[op.table];
  const uint64_t width = table.shape[1];
  const std::byte* rows = step.weights->piece(op.table);
  each_row(step, [&](uint64_t t) {
    const uint64_t index = op.row ? *op.row : step.places[t].position;
    kernels_.add_bias(rows + index * bytes_of(table.dtype, width), table.dtype, width,
                      row(op.out, t, step));
  });
  return {};
}

Status Operations::compute(const RmsNorm& op, const Step& step) {
  const DType dtype = model_.tensors()[op.weight].dtype;
  const std::byte* weight = step.weights->piece(op.weight);
  const uint64_t width = graph_.buffers[op.in].width / op.heads;
  each_row(step, [&](uint64_t t) {
    for (uint64_t head = 0; head < op.heads; ++head) {
      kernels_.rms_norm(row(op.in, t, step) + head * width, weight, dtype, op.offset, op.eps, width,
                        row(op.out, t, step) + head * width);
    }
  });
  return {};
}

Status Operations::compute(const LayerNorm& op, const Step& step) {
  const DType dtype = model_.tensors()[op.weight].dtype;
  const std::byte* weight = step.weights->piece(op.weight);
  const std::byte* bias = op.bias ? step.weights->piece(*op.bias) : nullptr;
  const uint64_t width = graph_.buffers[op.in].width;
  each_row(step, [&](uint64_t t) {
    float* out = row(op.out, t, step);
    kernels_.layer_norm(row(op.in, t, step), weight, dtype, op.eps, width, out);
    if (op.bias) kernels_.add_bias(bias, model_.tensors()[*op.bias].dtype, width, out);
  });
  return {};
}

Status Operations::compute(const Rope& op, const Step& step) {
  const auto turn = op.interleaved ? kernels_.rope_interleaved : kernels_.rope;
  const uint64_t pairs = graph_.rotary[op.table].inverse_frequencies.size();
  each_row(step, [&](uint64_t t) {
    turn(row(op.buffer, t, step), op.heads, op.head_dim, pairs,
         work_.activations.cosines(op.table, t), work_.activations.sines(op.table, t));
  });
  return {};
}

Status Operations::compute(const Activate& op, const Step& step) {
  const auto activate = op.function == Activate::Function::silu        ? kernels_.silu
                        : op.function == Activate::Function::gelu_tanh ? kernels_.gelu_tanh
                                                                       : kernels_.gelu_erf;
  const uint64_t width = graph_.buffers[op.buffer].width;
  each_row(step, [&](uint64_t t) { activate(width, row(op.buffer, t, step)); });
  return {};
}

Status Operations::compute(const SoftCap& op, const Step& step) {
  const uint64_t width = graph_.buffers[op.buffer].width;
  each_row(step, [&](uint64_t t) { kernels_.softcap(op.cap, width, row(op.buffer, t, step)); });
  return {};
}

Status Operations::compute(const Scale& op, const Step& step) {
  const uint64_t width = graph_.buffers[op.buffer].width;
  each_row(step, [&](uint64_t t) { kernels_.scale(op.factor, width, row(op.buffer, t, step)); });
  return {};
}

Status Operations::compute(const Multiply& op, const Step& step) {
  const uint64_t width = graph_.buffers[op.out].width;
  each_row(step, [&](uint64_t t) {
    kernels_.multiply(row(op.in, t, step), width, row(op.out, t, step));
  });
  return {};
}

Status Operations::compute(const Add& op, const Step& step) {
  const uint64_t width = graph_.buffers[op.out].width;
  each_row(step,
           [&](uint64_t t) { kernels_.add(row(op.in, t, step), width, row(op.out, t, step)); });
  return {};
}

// Adds the chunk's keys and values to the cache.
void Operations::append_to_cache(const Attention& op, const Step& step) {
  KvCache& cache = work_.cache;
  for (uint64_t t = 0; t < step.count; ++t) {
    const Place& place = step.places[t];
    cache.write(cache.key(place.sequence, op.cache, place.position), work_.activations.row(op.k, t),
                op.kv_heads, op.head_dim);
    cache.write(cache.value(place.sequence, op.cache, place.position),
                work_.activations.row(op.v, t), op.kv_heads, op.head_dim);
  }
}

Status Operations::compute(const Attention& op, const Step& step) {
  append_to_cache(op, step);
  AttentionScratch& scratch = work_.scratch;
  scratch.point_at(work_.cache, op.cache, op.kv_heads, op.head_dim);

  const KvLayout& layout = work_.cache.layout();
  const auto attend = layout.type == KvType::f32 ? kernels_.attention : kernels_.attention_i8;
  const uint64_t heads_per_kv = op.heads / op.kv_heads;
  const uint64_t tasks = op.heads * step.count;
  std::atomic<uint64_t> next = 0;
  // A task per thread, which takes query heads until none is left: scores belong to a thread.
  work_.team.run(std::min<uint64_t>(work_.team.size(), tasks), [&](size_t thread) {
    for (uint64_t i = next++; i < tasks && !work_.cancelled; i = next++) {
      const uint64_t head = i / step.count;
      const uint64_t t = i % step.count;
      const Place& place = step.places[t];
      const uint64_t seen = op.causal ? place.position + 1 : place.length;
      const uint64_t count = op.window ? std::min(seen, *op.window) : seen;
      const uint64_t kv_head = head / heads_per_kv;
      attend(work_.activations.row(op.q, t) + head * op.head_dim,
             scratch.keys(place.sequence, kv_head), scratch.values(place.sequence, kv_head),
             kBlockPositions, layout.row_bytes, seen - count, count, op.head_dim, op.scale,
             op.softcap, scratch.scores(thread),
             work_.activations.row(op.out, t) + head * op.head_dim);
    }
  });
  return {};
}

}  // namespace hyperion
