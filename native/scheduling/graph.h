// A network as the engine runs it: layers in order, each with the tensors it needs resident and the
// operations on activation buffers. TypeScript builds it; nothing here knows an architecture.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hyperion {

// Buffers and tensors are named by index. Matrices are [out, in], row by row.
struct Embed {  // out[t] = table[ids[t]]
  uint32_t out, table;
};
struct AddRow {  // out[t] += table[row], or the row of the token's position
  uint32_t out, table;
  std::optional<uint64_t> row = std::nullopt;
};
struct RmsNorm {  // of each of `heads` equal parts: out = in / sqrt(mean(in^2) + eps) * (weight +
                  // offset)
  uint32_t in, out, weight;
  float eps;
  float offset = 0;
  uint32_t heads = 1;
};
struct LayerNorm {  // out = (in - mean(in)) / sqrt(variance(in) + eps) * weight + bias
  uint32_t in, out, weight;
  float eps;
  std::optional<uint32_t> bias = std::nullopt;
};
struct MatMul {
  uint32_t in, out, weight;
  std::optional<uint32_t> bias = std::nullopt;
  // Where `out` begins among the results of a weight (and its bias) that makes several buffers.
  uint64_t first = 0;
  bool transposed = false;  // the weight is [in, out]
};
struct Rope {  // in place, of each head's first numbers, as many as the table turns
  uint32_t buffer, heads, head_dim;
  uint32_t table = 0;        // which rotary table
  bool interleaved = false;  // pairs are neighbours, not halves of what is turned
};
struct Attention {
  uint32_t q, k, v, out;
  uint32_t cache;  // which of the cached layers
  uint32_t heads, kv_heads, head_dim;
  float scale;
  std::optional<uint64_t> window = std::nullopt;  // positions that a query sees, itself included
  float softcap = 0;                              // of the scores; 0 = none
  bool causal = true;                             // else every token sees the whole text
};
struct Activate {  // buffer = function(buffer)
  enum class Function { silu, gelu_tanh, gelu_erf };
  uint32_t buffer;
  Function function;
};
struct SoftCap {  // buffer = cap * tanh(buffer / cap)
  uint32_t buffer;
  float cap;
};
struct Scale {  // buffer *= factor
  uint32_t buffer;
  float factor;
};
struct Multiply {  // out *= in
  uint32_t in, out;
};
struct Add {  // out += in
  uint32_t in, out;
};

using Op = std::variant<Embed, AddRow, RmsNorm, LayerNorm, MatMul, Rope, Attention, Activate,
                        SoftCap, Scale, Multiply, Add>;

struct GraphLayer {
  std::string name;
  std::vector<uint32_t> tensors;
  bool head = false;  // runs only for the rows whose results are asked
  std::vector<Op> ops;
};

struct GraphBuffer {
  std::string name;
  uint64_t width = 0;  // floats per token
};

// By how much pairs of numbers turn from one position to the next.
struct RotaryTable {
  std::vector<float> inverse_frequencies;
  float scale = 1;  // of the cosines and sines
};

struct Graph {
  uint64_t vocab = 0;
  uint64_t context_length = 0;
  uint64_t kv_layers = 0;
  uint64_t kv_width = 0;  // floats of K, and as many of V, per position and cached layer
  std::vector<RotaryTable> rotary;
  uint32_t result = 0;  // the buffer that head layers leave: it lies in the caller's array
  std::vector<GraphBuffer> buffers;
  std::vector<GraphLayer> layers;
};

// Numbers of one token's result. REQUIRES: the graph was checked.
uint64_t result_width(const Graph& graph);

// Whether tokens see those after them, so that a text is computed whole or not at all.
bool reads_whole_text(const Graph& graph);

// Whether a layer's tensors serve only to look up embeddings, so that rows can stand in for it.
bool is_lookup_only(const GraphLayer& layer);

}  // namespace hyperion
