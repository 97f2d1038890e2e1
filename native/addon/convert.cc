#include "addon/convert.h"

#include <cmath>
#include <unordered_map>

#include "addon/convert_memory.h"
#include "addon/errors.h"

namespace hyperion::addon {
namespace {

template <typename Array>
Array to_typed_array(const Napi::Value& value, const std::string& name, napi_typedarray_type type) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    throw_invalid(value.Env(), name + " is not a typed array of the right kind");
  }
  return value.As<Array>();
}

KvType to_kv_type(const Napi::Value& value) {
  const std::string name = to_text(value, "kv");
  if (name == "f32") return KvType::f32;
  if (name == "int8") return KvType::int8;
  throw_invalid(value.Env(), "kv is '" + name + "'; it must be 'f32' or 'int8'");
}

Tensor to_tensor(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "a tensor");
  Tensor tensor = {
      .name = to_text(object.Get("name"), "a tensor's name"),
      .file = to_whole(object.Get("file"), "a tensor's file"),
      .offset = to_whole(object.Get("offset"), "a tensor's offset"),
      .bytes = to_whole(object.Get("bytes"), "a tensor's bytes"),
      .dtype = to_dtype(object.Get("dtype")),
      .shape = {},
  };
  const Napi::Array shape = to_array(object.Get("shape"), "a tensor's shape");
  for (uint32_t i = 0; i < shape.Length(); ++i) {
    tensor.shape.push_back(to_whole(shape.Get(i), "a tensor's extent"));
  }
  return tensor;
}

CheckedRange to_checked_range(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "a checksum");
  return {
      .name = to_text(object.Get("name"), "a checksum's name"),
      .file = to_whole(object.Get("file"), "a checksum's file"),
      .offset = to_whole(object.Get("offset"), "a checksum's offset"),
      .bytes = to_whole(object.Get("bytes"), "a checksum's bytes"),
      .crc32 = static_cast<uint32_t>(to_whole(object.Get("crc32"), "a checksum", UINT32_MAX)),
  };
}

}  // namespace

double to_number(const Napi::Value& value, const std::string& name) {
  if (!value.IsNumber()) throw_invalid(value.Env(), name + " is not a number");
  return value.As<Napi::Number>().DoubleValue();
}

uint64_t to_whole(const Napi::Value& value, const std::string& name, uint64_t most) {
  const double number = to_number(value, name);
  if (!(number >= 0 && number <= static_cast<double>(most)) || number != std::floor(number)) {
    throw_invalid(value.Env(), name + " is " + value.ToString().Utf8Value() +
                                   "; it must be a whole number from 0 to " + std::to_string(most));
  }
  return static_cast<uint64_t>(number);
}

std::string to_text(const Napi::Value& value, const std::string& name) {
  if (!value.IsString()) throw_invalid(value.Env(), name + " is not a string");
  return value.As<Napi::String>().Utf8Value();
}

bool to_flag(const Napi::Value& value, const std::string& name) {
  if (!value.IsBoolean()) throw_invalid(value.Env(), name + " is not true or false");
  return value.As<Napi::Boolean>().Value();
}

Napi::Object to_object(const Napi::Value& value, const std::string& name) {
  if (!value.IsObject()) throw_invalid(value.Env(), name + " is not an object");
  return value.As<Napi::Object>();
}

Napi::Array to_array(const Napi::Value& value, const std::string& name) {
  if (!value.IsArray()) throw_invalid(value.Env(), name + " is not an array");
  return value.As<Napi::Array>();
}

DType to_dtype(const Napi::Value& value) {
  static const std::unordered_map<std::string, DType> dtypes = {
      {"F32", DType::f32},   {"F16", DType::f16},   {"BF16", DType::bf16}, {"Q4_0", DType::q4_0},
      {"Q4_1", DType::q4_1}, {"Q5_0", DType::q5_0}, {"Q5_1", DType::q5_1}, {"Q8_0", DType::q8_0},
      {"Q2_K", DType::q2_k}, {"Q3_K", DType::q3_k}, {"Q4_K", DType::q4_k}, {"Q5_K", DType::q5_k},
      {"Q6_K", DType::q6_k}, {"DATA", DType::data},
  };
  const std::string name = to_text(value, "dtype");
  const auto found = dtypes.find(name);
  if (found != dtypes.end()) return found->second;
  throw_invalid(value.Env(), "dtype '" + name + "' is none that the engine knows");
}

Io to_io(const Napi::Value& value) {
  const std::string name = to_text(value, "io");
  if (name == "auto") return Io::automatic;
  if (name == "direct") return Io::direct;
  if (name == "uring") return Io::uring;
  if (name == "buffered") return Io::buffered;
  if (name == "mmap") return Io::mapped;
  throw_invalid(value.Env(),
                "io is '" + name + "'; it must be 'auto', 'direct', 'uring', 'buffered' or 'mmap'");
}

PolicyKind to_policy(const Napi::Value& value) {
  const std::string name = to_text(value, "policy");
  if (name == "cyclic") return PolicyKind::cyclic;
  if (name == "lru") return PolicyKind::lru;
  if (name == "mfu") return PolicyKind::mfu;
  if (name == "fifo") return PolicyKind::fifo;
  if (name == "priority") return PolicyKind::priority;
  throw_invalid(value.Env(), "policy is '" + name +
                                 "'; it must be 'cyclic', 'lru', 'mfu', 'fifo' or 'priority'");
}

Napi::Int32Array to_int32_array(const Napi::Value& value, const std::string& name) {
  return to_typed_array<Napi::Int32Array>(value, name, napi_int32_array);
}

Napi::Float32Array to_float32_array(const Napi::Value& value, const std::string& name) {
  return to_typed_array<Napi::Float32Array>(value, name, napi_float32_array);
}

Napi::Uint8Array to_uint8_array(const Napi::Value& value, const std::string& name) {
  return to_typed_array<Napi::Uint8Array>(value, name, napi_uint8_array);
}

ModelSpec to_model_spec(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "the model");
  ModelSpec spec;
  const Napi::Array files = to_array(object.Get("files"), "files");
  for (uint32_t i = 0; i < files.Length(); ++i)
    spec.files.push_back(to_text(files.Get(i), "a file"));
  const Napi::Array tensors = to_array(object.Get("tensors"), "tensors");
  for (uint32_t i = 0; i < tensors.Length(); ++i) {
    const Napi::HandleScope scope(value.Env());
    spec.tensors.push_back(to_tensor(tensors.Get(i)));
  }
  const Napi::Array checksums = to_array(object.Get("checksums"), "checksums");
  for (uint32_t i = 0; i < checksums.Length(); ++i) {
    const Napi::HandleScope scope(value.Env());
    spec.checksums.push_back(to_checked_range(checksums.Get(i)));
  }
  return spec;
}

SessionOptions to_session_options(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "options");
  return {
      .budget = to_limit(object.Get("budget"), "budget"),
      .threads = to_whole(object.Get("threads"), "threads"),
      .prefetch_window = to_whole(object.Get("prefetchWindow"), "prefetchWindow"),
      .readers = to_whole(object.Get("readers"), "readers"),
      .io = to_io(object.Get("io")),
      .strategy = to_strategy(object.Get("memory")),
      .kv = to_kv_type(object.Get("kv")),
      .policy = to_policy(object.Get("policy")),
      .adaptive_window = to_flag(object.Get("adaptiveWindow"), "adaptiveWindow"),
  };
}

}  // namespace hyperion::addon
