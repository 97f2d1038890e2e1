#include "addon/views.h"

#include "addon/errors.h"

namespace hyperion::addon {
namespace {

// The ArrayBuffer of a weak reference; null when it was collected.
napi_value buffer_of(napi_env env, napi_ref reference) {
  napi_value buffer = nullptr;
  napi_get_reference_value(env, reference, &buffer);
  return buffer;
}

void detach_buffer(napi_env env, napi_ref reference) {
  const napi_value buffer = buffer_of(env, reference);
  if (buffer != nullptr) napi_detach_arraybuffer(env, buffer);
  napi_delete_reference(env, reference);
}

}  // namespace

Napi::Value Views::view(Napi::Env env, uint64_t key, std::span<std::byte> memory) {
  const auto known = views_.find(key);
  if (known != views_.end()) {
    if (const napi_value buffer = buffer_of(env, known->second)) return Napi::Value(env, buffer);
    napi_delete_reference(env, known->second);
    views_.erase(known);
  }
  napi_value buffer;
  const auto keep = [](napi_env, void*, void*) {};  // the memory is the engine's
  if (napi_create_external_arraybuffer(env, memory.data(), memory.size(), keep, nullptr, &buffer) !=
      napi_ok) {
    throw to_error(env,
                   Status(Code::unsupported,
                          "this JavaScript runtime has no views of memory that is not its own"));
  }
  napi_ref reference;
  napi_create_reference(env, buffer, 0, &reference);
  views_.emplace(key, reference);
  return Napi::Value(env, buffer);
}

void Views::detach(napi_env env, uint64_t key) {
  const auto known = views_.find(key);
  if (known == views_.end()) return;
  detach_buffer(env, known->second);
  views_.erase(known);
}

void Views::detach_all(napi_env env) {
  for (const auto& [key, reference] : views_) detach_buffer(env, reference);
  views_.clear();
}

}  // namespace hyperion::addon
