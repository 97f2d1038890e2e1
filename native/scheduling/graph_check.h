// Checks a graph against a model, so that the executor may trust every index, width and shape in
// it.
#pragma once

#include "base/status.h"
#include "model/model.h"
#include "scheduling/graph.h"

namespace hyperion {

// INVALID naming the layer and the operation that is wrong.
Status check_graph(const Graph& graph, const Model& model);

}  // namespace hyperion
