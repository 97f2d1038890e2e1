// Loaders: layers loaded, pinned, looked at and given up from JavaScript.
#include "addon/convert.h"
#include "addon/convert_memory.h"
#include "addon/errors.h"
#include "addon/functions.h"
#include "addon/instance.h"
#include "addon/promise_worker.h"
#include "addon/report_objects.h"

namespace hyperion::addon {
namespace {

std::vector<LoaderLayer> to_layers(const Napi::Value& value) {
  const Napi::Array array = to_array(value, "layers");
  std::vector<LoaderLayer> layers;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::HandleScope scope(value.Env());
    const Napi::Object object = to_object(array.Get(i), "a layer");
    LoaderLayer layer = {to_text(object.Get("name"), "a layer's name"), {}};
    const Napi::Array tensors = to_array(object.Get("tensors"), "a layer's tensors");
    for (uint32_t t = 0; t < tensors.Length(); ++t) {
      layer.tensors.push_back(
          static_cast<uint32_t>(to_whole(tensors.Get(t), "a layer's tensor", UINT32_MAX)));
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

LoaderOptions to_options(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "options");
  return {
      .budget = to_limit(object.Get("budget"), "budget"),
      .prefetch_window = to_whole(object.Get("prefetchWindow"), "prefetchWindow", 65536),
      .adaptive_window = to_flag(object.Get("adaptiveWindow"), "adaptiveWindow"),
      .readers = to_whole(object.Get("readers"), "readers", 64),
      .io = to_io(object.Get("io")),
      .policy = to_policy(object.Get("policy")),
      .gives_up = to_flag(object.Get("unload"), "unload"),
      .threshold = to_number(object.Get("memoryThreshold"), "memoryThreshold"),
      .strategy = to_strategy(object.Get("memory")),
  };
}

int to_layer(const Napi::Value& value, const UserLoader& loader) {
  const int layers = loader->layers();
  if (layers == 0) throw_invalid(value.Env(), "the loader has no layers");
  return static_cast<int>(to_whole(value, "layer", static_cast<uint64_t>(layers) - 1));
}

uint64_t to_pin(const Napi::Value& value, const UserLoader& loader) {
  const uint64_t pin = to_whole(value, "pin");
  if (!loader.is_pinned(pin)) throw_invalid(value.Env(), "the pin was released");
  return pin;
}

// What tells JavaScript the outcome of a request: `settled` runs before a good one is told.
struct Asked {
  Napi::Promise promise;
  Loader::Done done;
};

Asked ask(Napi::Env env, std::function<void(Napi::Env)> settled = {}) {
  Completions& completions = Instance::of(env).completions;
  const auto deferred =
      std::make_shared<Napi::Promise::Deferred>(Napi::Promise::Deferred::New(env));
  completions.expect();
  return {deferred->Promise(), [&completions, deferred, settled](const Status& status) {
            completions.post([deferred, settled, status](Napi::Env on) {
              if (!status.ok()) return deferred->Reject(to_error(on, status).Value());
              if (settled) settled(on);
              deferred->Resolve(on.Undefined());
            });
          }};
}

Napi::Value create_loader(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Instance& instance = Instance::of(env);
  std::shared_ptr<Model> model = instance.model(info[0]);
  auto loader =
      take(env, Loader::create(std::move(model), to_layers(info[1]), to_options(info[2])));
  return Napi::Number::New(env,
                           instance.loaders.add(std::make_shared<UserLoader>(std::move(loader))));
}

Napi::Value load_layer(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  UserLoader& loader = Instance::of(env).loader(info[0]);
  const uint64_t request = to_whole(info[1], "request");
  const int layer = to_layer(info[2], loader);
  const Napi::Int32Array listed = to_int32_array(info[3], "ahead");
  const bool pins = to_flag(info[4], "pins");
  std::vector<int> ahead;
  for (size_t i = 0; i < listed.ElementLength(); ++i) {
    if (listed[i] < 0 || listed[i] >= loader->layers()) throw_invalid(env, "ahead: no such layer");
    ahead.push_back(listed[i]);
  }
  const double handle = to_number(info[0], "loader");
  const auto settled = [=](Napi::Env on) {
    UserLoader* pinned = pins ? Instance::of(on).loaders.get(handle) : nullptr;
    if (pinned != nullptr) pinned->note_pin(request, layer);
  };
  const Asked asked = ask(env, settled);
  loader->load(request, layer, std::move(ahead), pins, asked.done);
  return asked.promise;
}

Napi::Value unload_layer(const Napi::CallbackInfo& info) {
  UserLoader& loader = Instance::of(info.Env()).loader(info[0]);
  const uint64_t request = to_whole(info[1], "request");
  const int layer = to_layer(info[2], loader);
  const Asked asked = ask(info.Env());
  loader->unload(request, layer, asked.done);
  return asked.promise;
}

Napi::Value clear_loader(const Napi::CallbackInfo& info) {
  UserLoader& loader = Instance::of(info.Env()).loader(info[0]);
  const uint64_t request = to_whole(info[1], "request");
  const Asked asked = ask(info.Env());
  loader->clear(request, asked.done);
  return asked.promise;
}

Napi::Value set_loader_budget(const Napi::CallbackInfo& info) {
  UserLoader& loader = Instance::of(info.Env()).loader(info[0]);
  const uint64_t request = to_whole(info[1], "request");
  const uint64_t bytes = to_limit(info[2], "budget");
  const Asked asked = ask(info.Env());
  loader->set_budget(request, bytes, asked.done);
  return asked.promise;
}

void cancel_request(const Napi::CallbackInfo& info) {
  Instance::of(info.Env()).loader(info[0])->cancel(to_whole(info[1], "request"));
}

void set_layer_priority(const Napi::CallbackInfo& info) {
  UserLoader& loader = Instance::of(info.Env()).loader(info[0]);
  loader->set_priority(to_layer(info[1], loader), to_number(info[2], "priority"));
}

Napi::Value release_layer(const Napi::CallbackInfo& info) {
  UserLoader& loader = Instance::of(info.Env()).loader(info[0]);
  return Napi::Boolean::New(info.Env(), loader.release(info.Env(), to_whole(info[1], "pin")));
}

Napi::Value view_layer(const Napi::CallbackInfo& info) {
  UserLoader& loader = Instance::of(info.Env()).loader(info[0]);
  return loader.view(info.Env(), to_pin(info[1], loader));
}

Napi::Value tensor_place(const Napi::CallbackInfo& info) {
  UserLoader& loader = Instance::of(info.Env()).loader(info[0]);
  const int layer = to_layer(info[1], loader);
  const auto tensor = static_cast<uint32_t>(to_whole(info[2], "tensor", UINT32_MAX));
  return Napi::Number::New(info.Env(), static_cast<double>(loader->place_of(layer, tensor)));
}

Napi::Value pinned_values(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  UserLoader& user = Instance::of(env).loader(info[0]);
  const uint64_t pin = to_pin(info[1], user);
  const auto tensor = static_cast<uint32_t>(to_whole(info[2], "tensor", UINT32_MAX));
  Napi::Float32Array out = to_float32_array(info[3], "out");
  const std::span values(out.Data(), out.ElementLength());
  const std::shared_ptr<Loader> loader = user.get();
  // The layer stays until its values are read, released meanwhile or not.
  const uint64_t own = loader->pin_again(pin);
  return PromiseWorker::start(
      env,
      [=] {
        const Status status = loader->values(own, tensor, values);
        loader->release(own);
        return status;
      },
      out);
}

Napi::Value loader_memory(const Napi::CallbackInfo& info) {
  return memory_object(info.Env(), Instance::of(info.Env()).loader(info[0])->memory());
}

Napi::Value loader_blocks(const Napi::CallbackInfo& info) {
  return block_rows(info.Env(), Instance::of(info.Env()).loader(info[0])->memory());
}

Napi::Value loader_spans(const Napi::CallbackInfo& info) {
  UserLoader& loader = Instance::of(info.Env()).loader(info[0]);
  return to_span_rows(info.Env(), loader->memory().reserved_spans());
}

Napi::Value loader_loading(const Napi::CallbackInfo& info) {
  return loading_object(info.Env(), Instance::of(info.Env()).loader(info[0])->report());
}

Napi::Value loader_statistics(const Napi::CallbackInfo& info) {
  UserLoader& loader = Instance::of(info.Env()).loader(info[0]);
  const StoreStatistics statistics = loader->statistics();
  Napi::Object result = Napi::Object::New(info.Env());
  set_store_statistics(result, statistics);
  result.Set("computeMs", statistics.busy.computing_ms);
  result.Set("io", name_of(loader->access()));
  return result;
}

// Views end here, on the JavaScript thread; threads and memory on another.
Napi::Value close_loader(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Instance& instance = Instance::of(env);
  UserLoader& user = instance.loader(info[0]);
  user.detach_all(env);
  const std::shared_ptr<Loader> loader = user.get();
  instance.loaders.remove(to_number(info[0], "loader"));
  instance.note_closing(loader);
  loader->begin_close();
  return PromiseWorker::start(env, [loader] {
    loader->close();
    return Status();
  });
}

}  // namespace

void export_loaders(Napi::Env env, Napi::Object exports) {
  const auto set = [&](const char* name, auto function) {
    exports.Set(name, Napi::Function::New(env, function));
  };
  set("createLoader", create_loader);
  set("closeLoader", close_loader);
  set("loadLayer", load_layer);
  set("unloadLayer", unload_layer);
  set("clearLoader", clear_loader);
  set("setLoaderBudget", set_loader_budget);
  set("cancelRequest", cancel_request);
  set("setLayerPriority", set_layer_priority);
  set("releaseLayer", release_layer);
  set("viewLayer", view_layer);
  set("tensorPlace", tensor_place);
  set("pinnedValues", pinned_values);
  set("loaderMemory", loader_memory);
  set("loaderBlocks", loader_blocks);
  set("loaderSpans", loader_spans);
  set("loaderLoading", loader_loading);
  set("loaderStatistics", loader_statistics);
}

}  // namespace hyperion::addon
