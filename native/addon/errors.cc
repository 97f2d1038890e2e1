#include "addon/errors.h"

namespace hyperion::addon {

Napi::Error to_error(Napi::Env env, const Status& status) {
  Napi::Error error = Napi::Error::New(env, status.message());
  Napi::Object details = Napi::Object::New(env);
  for (const auto& [name, value] : status.details()) details.Set(name, value);
  error.Set("code", code_name(status.code()));
  error.Set("details", details);
  return error;
}

void check(Napi::Env env, const Status& status) {
  if (!status.ok()) throw to_error(env, status);
}

void throw_invalid(Napi::Env env, const std::string& message) {
  throw to_error(env, Status(Code::invalid, message));
}

}  // namespace hyperion::addon
