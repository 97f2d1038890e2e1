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

uint64_t kv_blocks(uint64_t positions) {
  return divide_up(positions, kBlockPositions);
}

Extent::Extent(uint64_t positions) : Extent(std::span(&positions, 1)) {}

Extent::Extent(std::span<const uint64_t> lengths) {
  for (const uint64_t length : lengths) {
    positions += length;
    longest = std::max(longest, length);
    blocks += kv_blocks(length);
  }
}

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

KvLayout::KvLayout(const Graph& graph, KvType type)
    : type(type),
      layers(graph.kv_layers),
      row_bytes(type == KvType::f32 ? graph.kv_width * sizeof(float)
                                    : graph.kv_width + most_kv_heads(graph) * sizeof(float)) {}

uint64_t KvLayout::head_bytes(uint64_t head_dim) const {
  return type == KvType::f32 ? head_dim * sizeof(float) : sizeof(float) + head_dim;
}

uint64_t KvLayout::block_bytes() const {
  return round_up(2 * layers * kBlockPositions * row_bytes, kPageSize);
}

AttentionLayout::AttentionLayout(const Graph& graph, uint64_t threads, const Extent& extent)
    : scores_bytes(kv_blocks(extent.longest) * kBlockPositions * sizeof(float)),
      pointers_bytes(extent.blocks * sizeof(void*)),
      pointers(threads * scores_bytes),
      bytes(round_up(pointers + 2 * most_kv_heads(graph) * pointers_bytes, kPageSize)) {}

}  // namespace hyperion
