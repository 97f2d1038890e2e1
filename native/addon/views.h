// Memory of the engine as ArrayBuffers, which are detached before the memory goes.
#pragma once

#include <napi.h>

#include <cstdint>
#include <span>
#include <unordered_map>

namespace hyperion::addon {

// For the thread of one environment.
class Views {
 public:
  // The memory of this key as an ArrayBuffer, the same one while JavaScript holds it. UNSUPPORTED
  // where the runtime forbids buffers over memory that is not its own.
  // REQUIRES: the memory lives until the key is detached.
  Napi::Value view(Napi::Env env, uint64_t key, std::span<std::byte> memory);

  bool empty() const { return views_.empty(); }

  // JavaScript sees nothing from now on where it saw the memory of the key.
  void detach(napi_env env, uint64_t key);
  void detach_all(napi_env env);

 private:
  std::unordered_map<uint64_t, napi_ref> views_;  // weak
};

}  // namespace hyperion::addon
