// The one place where a Status becomes a JavaScript error: an Error with `code` and `details`.
#pragma once

#include <napi.h>

#include "base/status.h"

namespace hyperion::addon {

Napi::Error to_error(Napi::Env env, const Status& status);

// Throws the error of a status that is not ok.
void check(Napi::Env env, const Status& status);

// Throws the error, or returns the value.
template <typename T>
T take(Napi::Env env, Result<T> result) {
  check(env, result.status());
  return std::move(result.value());
}

[[noreturn]] void throw_invalid(Napi::Env env, const std::string& message);

}  // namespace hyperion::addon
