#include "addon/completions.h"

#include <memory>

namespace hyperion::addon {

Completions::Completions(Napi::Env env) : env_(env) {
  const Napi::String name = Napi::String::New(env, "hyperion");
  const napi_status status = napi_create_threadsafe_function(
      env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, &Completions::deliver, &function_);
  if (status != napi_ok) throw Napi::Error::New(env);
  napi_unref_threadsafe_function(env, function_);
}

void Completions::expect() {
  if (expected_++ == 0) napi_ref_threadsafe_function(env_, function_);
}

void Completions::post(Callback callback) {
  auto data = std::make_unique<Callback>(std::move(callback));
  if (napi_call_threadsafe_function(function_, data.get(), napi_tsfn_nonblocking) == napi_ok) {
    data.release();
  }
}

void Completions::deliver(napi_env env, napi_value, void* context, void* data) {
  const std::unique_ptr<Callback> callback(static_cast<Callback*>(data));
  if (env == nullptr) return;  // the environment is ending
  auto* self = static_cast<Completions*>(context);
  if (--self->expected_ == 0) napi_unref_threadsafe_function(env, self->function_);
  try {
    (*callback)(env);
  } catch (const Napi::Error&) {
    // JavaScript is being stopped and takes no more results.
  }
}

}  // namespace hyperion::addon
