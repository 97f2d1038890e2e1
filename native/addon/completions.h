// Brings outcomes from engine threads to the JavaScript thread of one environment.
#pragma once

#include <napi.h>

#include <functional>

namespace hyperion::addon {

class Completions {
 public:
  using Callback = std::function<void(Napi::Env)>;

  explicit Completions(Napi::Env env);

  // On the JavaScript thread: keeps the process alive until one more callback has run.
  void expect();

  // From any thread, once per expect(). The callback is destroyed without running when the
  // environment ends first.
  void post(Callback callback);

 private:
  static void deliver(napi_env env, napi_value, void* context, void* data);

  const napi_env env_;
  napi_threadsafe_function function_ = nullptr;
  size_t expected_ = 0;
};

}  // namespace hyperion::addon
