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
struct RmsNorm {
  uint32_t in, out, weight;
  float eps;
};
struct MatMul {
  uint32_t in, out, weight;
  std::optional<uint32_t> bias;
};
struct Rope {  // rotate-half, in place
  uint32_t buffer, heads, head_dim;
};
struct Attention {
  uint32_t q, k, v, out;
  uint32_t cache;  // which of the cached layers
  uint32_t heads, kv_heads, head_dim;
  float scale;
  std::optional<uint64_t> window;  // positions that a query sees, itself included
};
struct SwiGlu {  // out = silu(gate) * up
  uint32_t gate, up, out;
};
struct Add {  // out += in
  uint32_t in, out;
};

using Op = std::variant<Embed, RmsNorm, MatMul, Rope, Attention, SwiGlu, Add>;

struct GraphLayer {
  std::string name;
  std::vector<uint32_t> tensors;
  bool head = false;  // runs only for the rows whose logits are asked
  std::vector<Op> ops;
};

struct GraphBuffer {
  std::string name;
  uint64_t width = 0;  // floats per token
};

struct Graph {
  uint64_t vocab = 0;
  uint64_t context_length = 0;
  uint64_t kv_layers = 0;
  uint64_t kv_width = 0;  // floats of K, and as many of V, per position and cached layer
  std::vector<float> inverse_frequencies;
  float rotary_scale = 1;
  std::vector<GraphBuffer> buffers;
  std::vector<GraphLayer> layers;
};

// The buffer that the last operation writes: the logits, which go to the caller's array and not
// into engine memory. REQUIRES: the graph was checked.
uint32_t logits_buffer(const Graph& graph);

// Whether a layer's tensors serve only to look up embeddings, so that rows can stand in for it.
bool is_lookup_only(const GraphLayer& layer);

}  // namespace hyperion
