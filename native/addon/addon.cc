#include "addon/functions.h"
#include "addon/instance.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new hyperion::addon::Instance(env));
  hyperion::addon::export_models(env, exports);
  hyperion::addon::export_mapped(env, exports);
  hyperion::addon::export_loaders(env, exports);
  hyperion::addon::export_sessions(env, exports);
  hyperion::addon::export_reports(env, exports);
  hyperion::addon::export_allocators(env, exports);
  hyperion::addon::export_blocks(env, exports);
  hyperion::addon::export_replay(env, exports);
  hyperion::addon::export_system(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(hyperion, init)
