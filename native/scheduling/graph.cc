#include "scheduling/graph.h"

#include <algorithm>

namespace hyperion {

uint32_t logits_buffer(const Graph& graph) {
  return std::get<MatMul>(graph.layers.back().ops.back()).out;
}

bool is_lookup_only(const GraphLayer& layer) {
  return std::all_of(layer.ops.begin(), layer.ops.end(),
                     [](const Op& op) { return std::holds_alternative<Embed>(op); });
}

}  // namespace hyperion
