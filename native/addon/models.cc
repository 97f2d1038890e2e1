// Models: opening, reading tensors, planning.
#include "addon/convert.h"
#include "addon/errors.h"
#include "addon/functions.h"
#include "addon/instance.h"
#include "addon/promise_worker.h"
#include "loading/read_files.h"
#include "model/values.h"
#include "scheduling/graph_check.h"

namespace hyperion::addon {
namespace {

Napi::Value open_model(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  ModelSpec spec = to_model_spec(info[0]);
  auto model =
      take(env, Model::open(spec.files, std::move(spec.tensors), std::move(spec.checksums)));
  return Napi::Number::New(env, Instance::of(env).models.add(std::move(model)));
}

void close_model(const Napi::CallbackInfo& info) {
  Instance& instance = Instance::of(info.Env());
  instance.model(info[0])->close();
  instance.models.remove(to_number(info[0], "model"));
}

Napi::Value read_tensor(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<Model> model = Instance::of(env).model(info[0]);
  const size_t tensor = to_whole(info[1], "tensor");
  Napi::Uint8Array out = to_uint8_array(info[2], "out");
  const std::span bytes(reinterpret_cast<std::byte*>(out.Data()), out.ByteLength());
  return PromiseWorker::start(env, [=] { return model->read(tensor, bytes); }, out);
}

Napi::Value read_tensor_values(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<Model> model = Instance::of(env).model(info[0]);
  const size_t tensor = to_whole(info[1], "tensor");
  const uint64_t first = to_whole(info[2], "first");
  Napi::Float32Array out = to_float32_array(info[3], "out");
  const std::span values(out.Data(), out.ElementLength());
  return PromiseWorker::start(env, [=] { return read_values(*model, tensor, first, values); }, out);
}

Napi::Value read_files(const Napi::CallbackInfo& info) {
  const std::shared_ptr<Model> model = Instance::of(info.Env()).model(info[0]);
  const size_t readers = to_whole(info[1], "readers", 64);
  Napi::Float32Array out = to_float32_array(info[2], "out");
  if (readers == 0 || out.ElementLength() != 1) {
    throw_invalid(info.Env(), "there is no reader, or out is not one number");
  }
  return PromiseWorker::start(
      info.Env(),
      [=, data = out.Data()] {
        const Result<double> speed = hyperion::read_files(*model, readers);
        if (speed.ok()) *data = static_cast<float>(speed.value());
        return speed.status();
      },
      out);
}

void drop_cache(const Napi::CallbackInfo& info) {
  Instance::of(info.Env()).model(info[0])->drop_cache();
}

Napi::Value plan(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<Model> model = Instance::of(env).model(info[0]);
  const Graph graph = to_graph(info[1]);
  const SessionOptions options = to_session_options(info[2]);
  check(env, check_options(options));
  check(env, check_graph(graph, *model));
  const Requirements requirements(graph, *model, options);
  const uint64_t positions = to_whole(info[3], "positions");
  check(env, requirements.check_positions(positions));

  const Plan plan = requirements.plan(positions);
  Napi::Object result = Napi::Object::New(env);
  const auto set = [&](const char* name, uint64_t value) {
    result.Set(name, static_cast<double>(value));
  };
  set("smallestBudgetBytes", plan.smallest_budget);
  set("workingSetBytes", plan.working_set);
  set("activationBytes", plan.activations);
  set("kvBytes", plan.kv);
  set("scratchBytes", plan.scratch);
  set("stagingBytes", plan.staging);
  set("weightBytes", plan.weights);
  set("largestPartBytes", plan.largest_part);
  set("prefillChunk", plan.prefill_chunk);
  return result;
}

}  // namespace

void export_models(Napi::Env env, Napi::Object exports) {
  exports.Set("openModel", Napi::Function::New(env, open_model));
  exports.Set("closeModel", Napi::Function::New(env, close_model));
  exports.Set("readTensor", Napi::Function::New(env, read_tensor));
  exports.Set("readValues", Napi::Function::New(env, read_tensor_values));
  exports.Set("readFiles", Napi::Function::New(env, read_files));
  exports.Set("dropCache", Napi::Function::New(env, drop_cache));
  exports.Set("plan", Napi::Function::New(env, plan));
}

}  // namespace hyperion::addon
