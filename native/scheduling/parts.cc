#include "scheduling/parts.h"

#include <algorithm>

#include "base/checked.h"

namespace hyperion {
namespace {

// Kernels take rows in groups of so many.
constexpr uint64_t kRowGroup = 16;

bool names(const std::vector<uint32_t>& tensors, uint32_t tensor) {
  return std::find(tensors.begin(), tensors.end(), tensor) != tensors.end();
}

// Tied weights: the table of a lookup is a tensor of another layer too.
bool is_held_elsewhere(const Graph& graph, const GraphLayer& layer, uint32_t tensor) {
  return std::any_of(
      graph.layers.begin(), graph.layers.end(),
      [&](const GraphLayer& other) { return &other != &layer && names(other.tensors, tensor); });
}

// Whether an operation needs the tensor otherwise than row by row in a product.
struct NeedsWhole {
  uint32_t tensor;

  bool operator()(const MatMul& op) const {
    return op.bias == tensor || (op.weight == tensor && op.transposed);
  }
  bool operator()(const Embed&) const { return false; }  // reads rows where it has no whole table
  bool operator()(const AddRow& op) const { return op.table == tensor; }
  bool operator()(const RmsNorm& op) const { return op.weight == tensor; }
  bool operator()(const LayerNorm& op) const { return op.weight == tensor || op.bias == tensor; }
  template <typename Other>
  bool operator()(const Other&) const {
    return false;
  }
};

class Cutter {
 public:
  Cutter(const Graph& graph, const Model& model, uint64_t bytes)
      : graph_(graph), model_(model), bytes_(bytes) {}

  Parts cut() {
    for (const GraphLayer& layer : graph_.layers) cut_layer(layer);
    return std::move(parts_);
  }

 private:
  struct Rows {
    uint32_t tensor;
    uint64_t begin;
    uint64_t end;
    int part;
  };

  void cut_layer(const GraphLayer& layer) {
    LayerTasks tasks;
    std::vector<uint32_t> tensors = layer.tensors;
    if (is_lookup_only(layer)) {
      // A table that another layer brings along is not held twice.
      std::erase_if(tensors, [&](uint32_t t) { return is_held_elsewhere(graph_, layer, t); });
    }
    const std::vector<uint32_t> matrices = matrices_to_cut(layer, tensors);
    std::erase_if(tensors, [&](uint32_t tensor) { return names(matrices, tensor); });
    tasks.base = add(layer, lay_out(model_, tensors), tasks);
    const std::vector<Rows> blocks = cut_matrices(layer, matrices, tasks);
    for (size_t i = 0; i < layer.ops.size(); ++i) {
      const auto* product = std::get_if<MatMul>(&layer.ops[i]);
      if (product != nullptr && names(matrices, product->weight)) {
        add_tasks(i, *product, blocks, tasks);
      } else {
        tasks.tasks.push_back({.op = i});
      }
    }
    parts_.layers.push_back(std::move(tasks));
  }

  // None of a layer that is small enough whole.
  std::vector<uint32_t> matrices_to_cut(const GraphLayer& layer,
                                        const std::vector<uint32_t>& tensors) const {
    std::vector<uint32_t> matrices;
    if (is_lookup_only(layer) || lay_out(model_, tensors).bytes <= bytes_) return matrices;
    for (const Op& op : layer.ops) {
      const auto* product = std::get_if<MatMul>(&op);
      if (product == nullptr || names(matrices, product->weight)) continue;
      const bool whole = std::any_of(layer.ops.begin(), layer.ops.end(), [&](const Op& other) {
        return std::visit(NeedsWhole{product->weight}, other);
      });
      if (!whole) matrices.push_back(product->weight);
    }
    return matrices;
  }

  int add(const GraphLayer& layer, PartLayout layout, LayerTasks& tasks) {
    const auto layer_index = static_cast<int>(parts_.layers.size());
    tasks.bytes += layout.bytes;
    parts_.parts.push_back({layer.name, layer_index, std::move(layout)});
    return static_cast<int>(parts_.parts.size()) - 1;
  }

  // The matrices one after another, cut evenly into parts; a part may end one and begin the next.
  std::vector<Rows> cut_matrices(const GraphLayer& layer, const std::vector<uint32_t>& matrices,
                                 LayerTasks& tasks) {
    uint64_t total = 0;
    for (const uint32_t tensor : matrices) total += model_.tensors()[tensor].bytes;
    // Each piece may lie across one more page at both of its ends.
    const uint64_t most = bytes_ - std::min(bytes_ / 2, 4 * kDirectAlignment);
    const uint64_t each = divide_up(total, divide_up(std::max<uint64_t>(total, 1), most));
    std::vector<Rows> blocks;
    std::vector<Piece> pieces;
    uint64_t held = 0;
    const auto close = [&] {
      if (pieces.empty()) return;
      const int part = add(layer, lay_out(model_, pieces), tasks);
      tasks.largest_part = std::max(tasks.largest_part, parts_.parts.back().layout.bytes);
      for (size_t i = blocks.size() - pieces.size(); i < blocks.size(); ++i) blocks[i].part = part;
      pieces.clear();
      held = 0;
    };
    for (const uint32_t tensor : matrices) {
      const Tensor& matrix = model_.tensors()[tensor];
      const uint64_t row_bytes = matrix.bytes / matrix.shape[0];
      for (uint64_t row = 0; row < matrix.shape[0];) {
        const uint64_t room = each > held ? (each - held) / row_bytes : 0;
        const uint64_t group = std::max(round_down(room, kRowGroup), held == 0 ? kRowGroup : 0);
        if (group == 0) {
          close();
          continue;
        }
        const uint64_t end = std::min(row + group, matrix.shape[0]);
        pieces.push_back({tensor, row * row_bytes, end * row_bytes});
        blocks.push_back({tensor, row, end, kNoPart});
        held += (end - row) * row_bytes;
        row = end;
      }
    }
    close();
    return blocks;
  }

  void add_tasks(size_t op, const MatMul& product, const std::vector<Rows>& blocks,
                 LayerTasks& tasks) const {
    const Tensor& matrix = model_.tensors()[product.weight];
    const uint64_t row_bytes = matrix.bytes / matrix.shape[0];
    const uint64_t last = product.first + graph_.buffers[product.out].width;
    for (const Rows& block : blocks) {
      const uint64_t begin = std::max(block.begin, product.first);
      const uint64_t end = std::min(block.end, last);
      if (block.tensor != product.weight || begin >= end) continue;
      tasks.tasks.push_back({.op = op,
                             .part = block.part,
                             .begin = begin - product.first,
                             .end = end - product.first,
                             .place = (begin - block.begin) * row_bytes});
    }
  }

  const Graph& graph_;
  const Model& model_;
  const uint64_t bytes_;
  Parts parts_;
};

}  // namespace

Parts cut(const Graph& graph, const Model& model, uint64_t bytes) {
  return Cutter(graph, model, bytes).cut();
}

}  // namespace hyperion
