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
    if (op == "rms_norm") return RmsNorm{whole("in"), whole("out"), whole("weight"), real("eps")};
    if (op == "matmul") {
      return MatMul{whole("in"), whole("out"), whole("weight"), optional_whole("bias")};
    }
    if (op == "rope") return Rope{whole("buffer"), whole("heads"), whole("headDim")};
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
      };
    }
    if (op == "swiglu") return SwiGlu{whole("gate"), whole("up"), whole("out")};
    if (op == "add") return Add{whole("in"), whole("out")};
    throw to_error(object_.Env(), Status(Code::unsupported, "operation '" + op + "' is unknown"));
  }

 private:
  uint32_t whole(const char* name) const {
    return static_cast<uint32_t>(to_whole(object_.Get(name), name, UINT32_MAX));
  }
  std::optional<uint32_t> optional_whole(const char* name) const {
    if (object_.Get(name).IsUndefined()) return std::nullopt;
    return whole(name);
  }
  float real(const char* name) const {
    return static_cast<float>(to_number(object_.Get(name), name));
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

}  // namespace

Graph to_graph(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "the graph");
  const Napi::Object kv = to_object(object.Get("kv"), "kv");
  const Napi::Object rotary = to_object(object.Get("rotary"), "rotary");
  Graph graph;
  graph.vocab = to_whole(object.Get("vocab"), "vocab");
  graph.context_length = to_whole(object.Get("contextLength"), "contextLength");
  graph.kv_layers = to_whole(kv.Get("layers"), "kv.layers");
  graph.kv_width = to_whole(kv.Get("width"), "kv.width");
  const Napi::Float32Array frequencies =
      to_float32_array(rotary.Get("inverseFrequencies"), "rotary.inverseFrequencies");
  graph.inverse_frequencies.assign(frequencies.Data(),
                                   frequencies.Data() + frequencies.ElementLength());
  graph.rotary_scale = static_cast<float>(to_number(rotary.Get("scale"), "rotary.scale"));
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
