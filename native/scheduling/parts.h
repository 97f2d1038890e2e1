// How the layers of a graph are cut into parts, each loaded and given up as one: a small layer is a
// single part; of a large one the matrices are cut into blocks of rows, so that neither budget nor
// read-ahead depends on a layer's size.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loading/layer_store.h"
#include "scheduling/graph.h"

namespace hyperion {

// One operation, or a block of rows of a matrix product, with the part that it needs beside the
// layer's first.
struct Task {
  size_t op;          // index among the layer's operations
  int part = kNoPart;
  uint64_t begin = 0;  // of the rows of the product; all of them where `part` is kNoPart
  uint64_t end = 0;
  uint64_t place = 0;  // bytes from the part's piece of the weight to row `begin`
};

struct LayerTasks {
  int base = kNoPart;  // stays pinned while the layer runs; kNoPart for a lookup that reads rows
  std::vector<Task> tasks;
  uint64_t bytes = 0;          // of all its parts' regions
  uint64_t largest_part = 0;   // bytes beside the base's
};

struct Parts {
  std::vector<StoredPart> parts;  // in the order of a pass
  std::vector<LayerTasks> layers;
};

// Parts of `bytes` at most where matrices can be cut. REQUIRES: the graph was checked; bytes is at
// least 64 KiB.
Parts cut(const Graph& graph, const Model& model, uint64_t bytes);

}  // namespace hyperion
