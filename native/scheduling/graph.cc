#include "scheduling/graph.h"

#include <algorithm>

namespace hyperion {

uint64_t result_width(const Graph& graph) {
  return graph.buffers[graph.result].width;
}

bool reads_whole_text(const Graph& graph) {
  const auto looks_ahead = [](const Op& op) {
    const auto* attention = std::get_if<Attention>(&op);
    return attention != nullptr && !attention->causal;
  };
  return std::any_of(graph.layers.begin(), graph.layers.end(), [&](const GraphLayer& layer) {
    return std::any_of(layer.ops.begin(), layer.ops.end(), looks_ahead);
  });
}

bool is_lookup_only(const GraphLayer& layer) {
  return std::all_of(layer.ops.begin(), layer.ops.end(),
                     [](const Op& op) { return std::holds_alternative<Embed>(op); });
}

}  // namespace hyperion
