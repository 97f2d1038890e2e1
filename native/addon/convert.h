// JavaScript values to the engine's types. The functions throw INVALID naming what is wrong;
// TypeScript has checked before, so nobody should ever see that.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "inference/session.h"
#include "loading/choose_reading.h"
#include "loading/policy.h"
#include "model/model.h"
#include "scheduling/graph.h"

namespace hyperion::addon {

double to_number(const Napi::Value& value, const std::string& name);

// A whole number from 0 to `most`.
uint64_t to_whole(const Napi::Value& value, const std::string& name, uint64_t most = 1ull << 53);

std::string to_text(const Napi::Value& value, const std::string& name);
bool to_flag(const Napi::Value& value, const std::string& name);
Napi::Object to_object(const Napi::Value& value, const std::string& name);
Napi::Array to_array(const Napi::Value& value, const std::string& name);
DType to_dtype(const Napi::Value& value);
Io to_io(const Napi::Value& value);
PolicyKind to_policy(const Napi::Value& value);

Napi::Int32Array to_int32_array(const Napi::Value& value, const std::string& name);
Napi::Float32Array to_float32_array(const Napi::Value& value, const std::string& name);
Napi::Uint8Array to_uint8_array(const Napi::Value& value, const std::string& name);

struct ModelSpec {
  std::vector<std::string> files;
  std::vector<Tensor> tensors;
  std::vector<CheckedRange> checksums;
};
ModelSpec to_model_spec(const Napi::Value& value);
SessionOptions to_session_options(const Napi::Value& value);

// In convert_graph.cc.
Graph to_graph(const Napi::Value& value);

}  // namespace hyperion::addon
