// The functions that JavaScript calls; their signatures are those of src/native.ts.
#pragma once

#include <napi.h>

namespace hyperion::addon {

void export_models(Napi::Env env, Napi::Object exports);
void export_mapped(Napi::Env env, Napi::Object exports);
void export_loaders(Napi::Env env, Napi::Object exports);
void export_sessions(Napi::Env env, Napi::Object exports);
void export_reports(Napi::Env env, Napi::Object exports);
void export_allocators(Napi::Env env, Napi::Object exports);
void export_blocks(Napi::Env env, Napi::Object exports);
void export_replay(Napi::Env env, Napi::Object exports);
void export_system(Napi::Env env, Napi::Object exports);

}  // namespace hyperion::addon
