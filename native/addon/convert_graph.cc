// The graph that TypeScript built, as the engine's. Only types are checked here; what the numbers
// mean is checked against the model by scheduling/graph_check.
#include "addon/convert.h"
#include "addon/errors.h"

namespace hyperion::addon {
namespace {

class OpReader {
 public:
  explicit OpReader(const Napi::Value& value) : object_(to_object(value, "an operation")) {}

  Op read() const {
    const std::string op = to_text(object_.Get("op"), "op");
    if (op == "embed") return Embed{whole("out"), whole("table")};
    if (op == "add_row") return AddRow{whole("out"), whole("table"), optional_whole("row")};
    if (op == "rms_norm") {
      return RmsNorm{whole("in"), whole("out"),      whole("weight"),
                     real("eps"), real("offset", 0), whole("heads", 1)};
    }
    if (op == "layer_norm") {
      return LayerNorm{whole("in"), whole("out"), whole("weight"), real("eps"),
                       optional_whole("bias")};
    }
    if (op == "matmul") {
      return MatMul{whole("in"),       whole("out"),
                    whole("weight"),   optional_whole("bias"),
                    whole("first", 0), flag("transposed", false)};
    }
    if (op == "rope") {
      return Rope{whole("buffer"), whole("heads"), whole("headDim"), whole("table"),
                  flag("interleaved", false)};
    }
    if (op == "attention") {
      return Attention{
          .q = whole("q"),
          .k = whole("k"),
          .v = whole("v"),
          .out = whole("out"),
          .cache = whole("cache"),
          .heads = whole("heads"),
          .kv_heads = whole("kvHeads"),
          .head_dim = whole("headDim"),
          .scale = real("scale"),
          .window = optional_whole("window"),
          .softcap = real("softcap", 0),
          .causal = flag("causal", true),
      };
    }
    if (op == "silu") return Activate{whole("buffer"), Activate::Function::silu};
    if (op == "gelu_tanh") return Activate{whole("buffer"), Activate::Function::gelu_tanh};
    if (op == "gelu_erf") return Activate{whole("buffer"), Activate::Function::gelu_erf};
    if (op == "softcap") return SoftCap{whole("buffer"), real("cap")};
    if (op == "scale") return Scale{whole("buffer"), real("factor")};
    if (op == "multiply") return Multiply{whole("in"), whole("out")};
    if (op == "add") return Add{whole("in"), whole("out")};
    throw to_error(object_.Env(), Status(Code::unsupported, "operation '" + op + "' is unknown"));
  }

 private:
  bool has(const char* name) const { return !object_.Get(name).IsUndefined(); }

  uint32_t whole(const char* name) const {
    return static_cast<uint32_t>(to_whole(object_.Get(name), name, UINT32_MAX));
  }
  uint32_t whole(const char* name, uint32_t fallback) const {
    return has(name) ? whole(name) : fallback;
  }
  std::optional<uint32_t> optional_whole(const char* name) const {
    if (!has(name)) return std::nullopt;
    return whole(name);
  }
  float real(const char* name) const {
    return static_cast<float>(to_number(object_.Get(name), name));
  }
  float real(const char* name, float fallback) const { return has(name) ? real(name) : fallback; }
  bool flag(const char* name, bool fallback) const {
    return has(name) ? to_flag(object_.Get(name), name) : fallback;
  }

  const Napi::Object object_;
};

GraphLayer to_layer(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "a layer");
  GraphLayer layer;
  layer.name = to_text(object.Get("name"), "a layer's name");
  layer.head = to_flag(object.Get("head"), "head");
  const Napi::Array tensors = to_array(object.Get("tensors"), "a layer's tensors");
  for (uint32_t i = 0; i < tensors.Length(); ++i) {
    layer.tensors.push_back(
        static_cast<uint32_t>(to_whole(tensors.Get(i), "a layer's tensor", UINT32_MAX)));
  }
  const Napi::Array ops = to_array(object.Get("ops"), "a layer's ops");
  for (uint32_t i = 0; i < ops.Length(); ++i) layer.ops.push_back(OpReader(ops.Get(i)).read());
  return layer;
}

RotaryTable to_rotary_table(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "a rotary table");
  const Napi::Float32Array frequencies =
      to_float32_array(object.Get("inverseFrequencies"), "inverseFrequencies");
  return {{frequencies.Data(), frequencies.Data() + frequencies.ElementLength()},
          static_cast<float>(to_number(object.Get("scale"), "a rotary table's scale"))};
}

}  // namespace

Graph to_graph(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "the graph");
  const Napi::Object kv = to_object(object.Get("kv"), "kv");
  const Napi::Object result = to_object(object.Get("result"), "result");
  Graph graph;
  graph.vocab = to_whole(object.Get("vocab"), "vocab");
  graph.context_length = to_whole(object.Get("contextLength"), "contextLength");
  graph.kv_layers = to_whole(kv.Get("layers"), "kv.layers");
  graph.kv_width = to_whole(kv.Get("width"), "kv.width");
  graph.result = static_cast<uint32_t>(to_whole(result.Get("buffer"), "result.buffer", UINT32_MAX));
  const Napi::Array rotary = to_array(object.Get("rotary"), "rotary");
  for (uint32_t i = 0; i < rotary.Length(); ++i) {
    graph.rotary.push_back(to_rotary_table(rotary.Get(i)));
  }
  const Napi::Array buffers = to_array(object.Get("buffers"), "buffers");
  for (uint32_t i = 0; i < buffers.Length(); ++i) {
    const Napi::Object buffer = to_object(buffers.Get(i), "a buffer");
    graph.buffers.push_back({to_text(buffer.Get("name"), "a buffer's name"),
                             to_whole(buffer.Get("width"), "a buffer's width")});
  }
  const Napi::Array layers = to_array(object.Get("layers"), "layers");
  for (uint32_t i = 0; i < layers.Length(); ++i) {
    const Napi::HandleScope scope(value.Env());
    graph.layers.push_back(to_layer(layers.Get(i)));
  }
  return graph;
}

}  // namespace hyperion::addon
