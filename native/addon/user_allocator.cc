#include "addon/user_allocator.h"

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

Napi::Value UserAllocator::view(Napi::Env env, BlockHandle handle) {
  const auto known = views_.find(handle);
  if (known != views_.end()) {
    if (const napi_value buffer = buffer_of(env, known->second)) return Napi::Value(env, buffer);
    napi_delete_reference(env, known->second);
    views_.erase(known);
  }
  const TableBlock& block = *allocator_->blocks().find(handle);
  napi_value buffer;
  const auto keep = [](napi_env, void*, void*) {};  // the block is the allocator's
  if (napi_create_external_arraybuffer(env, block.data(), block.bytes(), keep, nullptr, &buffer) !=
      napi_ok) {
    throw to_error(env,
                   Status(Code::unsupported,
                          "this JavaScript runtime has no views of memory that is not its own"));
  }
  napi_ref reference;
  napi_create_reference(env, buffer, 0, &reference);
  views_.emplace(handle, reference);
  return Napi::Value(env, buffer);
}

void UserAllocator::detach_view(napi_env env, BlockHandle handle) {
  const auto known = views_.find(handle);
  if (known == views_.end()) return;
  detach_buffer(env, known->second);
  views_.erase(known);
}

void UserAllocator::detach_all(napi_env env) {
  for (const auto& [handle, reference] : views_) detach_buffer(env, reference);
  views_.clear();
}

}  // namespace hyperion::addon
