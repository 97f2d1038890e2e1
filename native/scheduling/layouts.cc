#include "scheduling/layouts.h"

#include <algorithm>

#include "base/checked.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

// Buffers start at cache lines.
constexpr uint64_t kLineFloats = 16;

uint64_t most_kv_heads(const Graph& graph) {
  uint64_t most = 0;
  for (const GraphLayer& layer : graph.layers) {
    for (const Op& op : layer.ops) {
      if (const auto* attention = std::get_if<Attention>(&op)) {
        most = std::max<uint64_t>(most, attention->kv_heads);
      }
    }
  }
  return most;
}

}  // namespace

ActivationLayout::ActivationLayout(const Graph& graph, uint64_t rows) : rows(rows) {
  uint64_t floats = 0;
  const auto take = [&](uint64_t width) {
    const uint64_t offset = floats;
    floats += round_up(width * rows, kLineFloats);
    return offset;
  };
  for (size_t i = 0; i < graph.buffers.size(); ++i) {
    buffers.push_back(i == graph.result ? 0 : take(graph.buffers[i].width));
  }
  for (const RotaryTable& table : graph.rotary) {
    cosines.push_back(take(table.inverse_frequencies.size()));
    sines.push_back(take(table.inverse_frequencies.size()));
  }
  bytes = round_up(floats * sizeof(float), kPageSize);
}

uint64_t KvLayout::blocks(uint64_t positions) const {
  return divide_up(positions, kBlockPositions);
}

uint64_t KvLayout::block_bytes() const {
  return round_up(2 * layers * kBlockPositions * width * sizeof(float), kPageSize);
}

AttentionLayout::AttentionLayout(const Graph& graph, uint64_t threads, uint64_t blocks)
    : blocks(blocks),
      scores_bytes(blocks * kBlockPositions * sizeof(float)),
      pointers_bytes(blocks * sizeof(float*)),
      pointers(threads * scores_bytes),
      bytes(round_up(pointers + 2 * most_kv_heads(graph) * pointers_bytes, kPageSize)) {}

}  // namespace hyperion
