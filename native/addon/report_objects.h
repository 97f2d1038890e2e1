// Reports of the engine as the objects that JavaScript reads.
#pragma once

#include <napi.h>

#include "loading/layer_store.h"
#include "memory/engine_memory.h"

namespace hyperion::addon {

const char* name_of(Access access);

// The fields of NativeMemory, NativeLoading and NativeStoreStatistics in src/native.ts.
Napi::Object memory_object(Napi::Env env, EngineMemory& memory);
Napi::Object loading_object(Napi::Env env, const StoreReport& report);
void set_store_statistics(Napi::Object object, const StoreStatistics& statistics);

// Rows of BLOCK_FIELDS.
Napi::Value block_rows(Napi::Env env, const EngineMemory& memory);

}  // namespace hyperion::addon
