#include "scheduling/graph_check.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace hyperion {
namespace {

// Widths and lengths beyond these are a mistake, and below them no product of three overflows.
constexpr uint64_t kMaxExtent = 1ull << 28;
constexpr uint64_t kMaxLayers = 1ull << 16;

class Checker {
 public:
  Checker(const Graph& graph, const Model& model) : graph_(graph), model_(model) {}

  Status check() {
    check_sizes();
    for (size_t i = 0; i < graph_.layers.size() && problem_.empty(); ++i) {
      layer_ = &graph_.layers[i];
      check_layer(i);
    }
    if (problem_.empty()) check_result();
    if (problem_.empty()) return {};
    return Status(code_, "graph" + place() + ": " + problem_);
  }

 private:
  std::string place() const {
    if (layer_ == nullptr) return "";
    std::string text = ", layer " + layer_->name;
    if (operation_ != nullptr) text += std::string(", ") + operation_;
    return text;
  }

  void require(bool condition, const std::string& problem) {
    if (!condition && problem_.empty()) problem_ = problem;
  }

  void check_sizes() {
    const auto extent = [&](const char* name, uint64_t value, uint64_t least) {
      require(value >= least && value <= kMaxExtent,
              std::string(name) + " is " + std::to_string(value));
    };
    extent("the vocabulary", graph_.vocab, 1);
    extent("the context length", graph_.context_length, 1);
    extent("the width of the KV cache", graph_.kv_width, 0);
    require(graph_.kv_layers <= kMaxLayers && graph_.kv_layers * graph_.kv_width <= kMaxExtent,
            "the KV cache has " + std::to_string(graph_.kv_layers) + " layers of width " +
                std::to_string(graph_.kv_width));
    require(!graph_.layers.empty() && graph_.layers.size() <= kMaxLayers,
            "it has " + std::to_string(graph_.layers.size()) + " layers");
    require(graph_.buffers.size() <= kMaxLayers, "too many buffers");
    for (const GraphBuffer& buffer : graph_.buffers) {
      extent(("the width of buffer " + buffer.name).c_str(), buffer.width, 1);
    }
    require(graph_.rotary.size() <= kMaxLayers, "too many rotary tables");
    for (const RotaryTable& table : graph_.rotary) {
      extent("the number of rotary frequencies", table.inverse_frequencies.size(), 1);
      require(std::isfinite(table.scale), "the rotary scale is not a number");
      for (const float frequency : table.inverse_frequencies) {
        require(std::isfinite(frequency), "a rotary frequency is not a number");
      }
    }
  }

  void check_layer(size_t index) {
    operation_ = nullptr;
    for (const uint32_t tensor : layer_->tensors) {
      require(tensor < model_.tensors().size(), "tensor " + std::to_string(tensor) + " of " +
                                                    std::to_string(model_.tensors().size()));
    }
    const bool after_head = index > 0 && graph_.layers[index - 1].head;
    require(!after_head || layer_->head, "it follows a head layer and is not one");
    for (const Op& op : layer_->ops) {
      if (!problem_.empty()) return;
      std::visit([this](const auto& alternative) { check_op(alternative); }, op);
    }
    if (problem_.empty()) operation_ = nullptr;
  }

  // The width of a buffer, or 0 after noting that there is none.
  uint64_t width(uint32_t buffer) {
    require(buffer < graph_.buffers.size(),
            "buffer " + std::to_string(buffer) + " of " + std::to_string(graph_.buffers.size()));
    return problem_.empty() ? graph_.buffers[buffer].width : 0;
  }

  void require_width(uint32_t buffer, uint64_t expected) {
    const uint64_t found = width(buffer);
    if (!problem_.empty()) return;
    require(found == expected, "buffer " + graph_.buffers[buffer].name + " has width " +
                                   std::to_string(found) + ", not " + std::to_string(expected));
  }

  void require_shape(uint32_t tensor, const std::vector<uint64_t>& shape) {
    const auto& held = layer_->tensors;
    require(std::find(held.begin(), held.end(), tensor) != held.end(),
            "tensor " + std::to_string(tensor) + " is not one of the layer's");
    if (!problem_.empty()) return;
    const Tensor& found = model_.tensors()[tensor];
    require(found.shape == shape,
            "tensor " + found.name + " has shape " + text(found.shape) + ", not " + text(shape));
  }

  // What the extent of a tensor along an axis must be, when it may be more than `least`.
  uint64_t at_least(uint64_t least, uint32_t tensor, size_t axis) const {
    if (tensor >= model_.tensors().size()) return least;
    const std::vector<uint64_t>& shape = model_.tensors()[tensor].shape;
    return axis < shape.size() ? std::max(shape[axis], least) : least;
  }

  // Norms and biases: nothing stores these quantized.
  static constexpr const char* kNotFloat = "is not of F32, F16 or BF16, as it must be here";

  void require_vector(uint32_t tensor, uint64_t length) {
    require_shape(tensor, {length});
    require_dtype(tensor, is_float, kNotFloat);
  }

  void require_matrix(uint32_t tensor, uint64_t rows, uint64_t cols) {
    require_shape(tensor, {rows, cols});
    require_dtype(tensor, is_computed, "is of a type that is not computed with");
  }

  void require_dtype(uint32_t tensor, bool (*accepts)(DType), const char* otherwise) {
    if (!problem_.empty() || accepts(model_.tensors()[tensor].dtype)) return;
    code_ = Code::unsupported;
    problem_ = "tensor " + model_.tensors()[tensor].name + " " + otherwise;
  }

  static std::string text(const std::vector<uint64_t>& shape) {
    std::string result = "[";
    for (const uint64_t extent : shape) {
      if (result.size() > 1) result += ", ";
      result += std::to_string(extent);
    }
    return result + "]";
  }

  void require_body() { require(!layer_->head, "it cannot run in a head layer"); }

  // 0 after noting that the product is none that a buffer could have.
  uint64_t heads_width(uint64_t heads, uint64_t head_dim) {
    require(heads >= 1 && head_dim >= 1 && heads <= kMaxExtent && head_dim <= kMaxExtent,
            std::to_string(heads) + " heads of " + std::to_string(head_dim));
    return problem_.empty() ? heads * head_dim : 0;
  }

  void check_op(const Embed& op) {
    operation_ = "embed";
    require_body();
    require_matrix(op.table, graph_.vocab, width(op.out));
  }

  void check_op(const AddRow& op) {
    operation_ = "add_row";
    require_body();
    require(!op.row || *op.row < kMaxExtent, "its row is beyond any table");
    const uint64_t rows = op.row ? *op.row + 1 : graph_.context_length;
    require_matrix(op.table, at_least(rows, op.table, 0), width(op.out));
    require_dtype(op.table, is_float, kNotFloat);
  }

  void check_op(const RmsNorm& op) {
    operation_ = "rms_norm";
    require_width(op.out, width(op.in));
    require(op.heads >= 1 && width(op.in) % std::max(op.heads, 1u) == 0,
            std::to_string(op.heads) + " heads do not divide its width");
    if (!problem_.empty()) return;
    require_vector(op.weight, width(op.in) / op.heads);
    require(op.eps >= 0, "eps is " + std::to_string(op.eps));
    require(std::isfinite(op.offset), "its offset is not a number");
  }

  void check_op(const LayerNorm& op) {
    operation_ = "layer_norm";
    require_width(op.out, width(op.in));
    require_vector(op.weight, width(op.in));
    if (op.bias) require_vector(*op.bias, width(op.in));
    require(op.eps >= 0, "eps is " + std::to_string(op.eps));
  }

  void check_op(const MatMul& op) {
    operation_ = "matmul";
    require(op.in != op.out, "its input and output are one buffer");
    require(op.first <= kMaxExtent, "its first result is " + std::to_string(op.first));
    const uint64_t end = op.first + width(op.out);
    const uint64_t in = width(op.in);
    if (op.transposed) {
      require_matrix(op.weight, in, at_least(end, op.weight, 1));
      require_dtype(op.weight, is_float, kNotFloat);
    } else {
      require_matrix(op.weight, at_least(end, op.weight, 0), in);
    }
    if (op.bias) require_vector(*op.bias, at_least(end, *op.bias, 0));
  }

  void check_op(const Rope& op) {
    operation_ = "rope";
    require_body();
    require_width(op.buffer, heads_width(op.heads, op.head_dim));
    require(op.table < graph_.rotary.size(), "rotary table " + std::to_string(op.table) + " of " +
                                                 std::to_string(graph_.rotary.size()));
    if (!problem_.empty()) return;
    const uint64_t pairs = graph_.rotary[op.table].inverse_frequencies.size();
    require(2 * pairs <= op.head_dim, "heads of " + std::to_string(op.head_dim) +
                                          " have no room for " + std::to_string(pairs) +
                                          " rotary frequencies, which turn pairs");
  }

  void check_op(const Attention& op) {
    operation_ = "attention";
    require_body();
    const uint64_t kv_width = heads_width(op.kv_heads, op.head_dim);
    require_width(op.q, heads_width(op.heads, op.head_dim));
    require_width(op.out, heads_width(op.heads, op.head_dim));
    require_width(op.k, kv_width);
    require_width(op.v, kv_width);
    require(kv_width == graph_.kv_width, "the KV cache has width " +
                                             std::to_string(graph_.kv_width) + ", not " +
                                             std::to_string(kv_width));
    require(op.heads % std::max(op.kv_heads, 1u) == 0, "heads do not divide into KV heads");
    require(op.cache < graph_.kv_layers,
            "cached layer " + std::to_string(op.cache) + " of " + std::to_string(graph_.kv_layers));
    require(op.out != op.q && op.out != op.k && op.out != op.v, "its output is one of its inputs");
    require(!op.window || *op.window >= 1, "its window is 0");
    require(std::isfinite(op.scale), "its scale is not a number");
    require(op.softcap >= 0 && std::isfinite(op.softcap), "its soft cap is below 0");
    require(op.causal || !op.window, "a window needs causal attention");
  }

  void check_op(const Activate& op) {
    operation_ = "activate";
    width(op.buffer);
  }

  void check_op(const SoftCap& op) {
    operation_ = "softcap";
    width(op.buffer);
    require(op.cap > 0 && std::isfinite(op.cap), "its cap is not above 0");
  }

  void check_op(const Scale& op) {
    operation_ = "scale";
    width(op.buffer);
    require(std::isfinite(op.factor), "its factor is not a number");
  }

  void check_op(const Multiply& op) {
    operation_ = "multiply";
    require_width(op.out, width(op.in));
  }

  void check_op(const Add& op) {
    operation_ = "add";
    require_width(op.out, width(op.in));
  }

  // The result lies in the caller's array, which is there in head layers only; the first operation
  // that touches it must make it.
  void check_result() {
    require(graph_.result < graph_.buffers.size(), "its result is buffer " +
                                                       std::to_string(graph_.result) + " of " +
                                                       std::to_string(graph_.buffers.size()));
    bool made = false;
    for (const GraphLayer& layer : graph_.layers) {
      layer_ = &layer;
      for (const Op& op : layer.ops) {
        if (!problem_.empty()) return;
        if (!touches(op, graph_.result)) continue;
        require(layer.head, "the result is used outside of head layers");
        require(made || makes(op, graph_.result), "the result is used before it is made");
        made = true;
      }
    }
    require(made, "no operation makes the result");
  }

  static bool touches(const Op& op, uint32_t buffer) {
    return std::visit(
        [&](const auto& o) {
          if constexpr (requires { o.buffer; }) return o.buffer == buffer;
          if constexpr (requires { o.q; }) {
            return o.q == buffer || o.k == buffer || o.v == buffer || o.out == buffer;
          }
          if constexpr (requires { o.in; }) return o.in == buffer || o.out == buffer;
          if constexpr (requires {
                          o.table;
                          o.out;
                        })
            return o.out == buffer;
        },
        op);
  }

  // Whether it writes the buffer without reading it.
  static bool makes(const Op& op, uint32_t buffer) {
    return std::visit(
        [&](const auto& o) {
          using T = std::decay_t<decltype(o)>;
          if constexpr (std::is_same_v<T, MatMul> || std::is_same_v<T, RmsNorm> ||
                        std::is_same_v<T, LayerNorm>) {
            return o.out == buffer && o.in != buffer;
          }
          return false;
        },
        op);
  }

  const Graph& graph_;
  const Model& model_;
  const GraphLayer* layer_ = nullptr;
  const char* operation_ = nullptr;
  Code code_ = Code::invalid;
  std::string problem_;
};

}  // namespace

Status check_graph(const Graph& graph, const Model& model) {
  return Checker(graph, model).check();
}

}  // namespace hyperion
