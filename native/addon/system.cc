// The process and the machine, and seeded weights for sample models.
#include "addon/convert.h"
#include "addon/errors.h"
#include "addon/functions.h"
#include "addon/promise_worker.h"
#include "compute/random.h"
#include "loading/read_memory.h"
#include "memory/budget.h"
#include "monitoring/process_usage.h"
#include "platform/clock.h"
#include "platform/pages.h"
#include "platform/process.h"

namespace hyperion::addon {
namespace {

Napi::Value clock_ms(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), now_ms());
}

Napi::Value process_memory_report(const Napi::CallbackInfo& info) {
  const ProcessMemory memory = process_memory();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("resident", static_cast<double>(memory.resident));
  result.Set("residentPeak", static_cast<double>(memory.resident_peak));
  result.Set("fileBacked", static_cast<double>(memory.file_backed));
  return result;
}

Napi::Value reset_peak(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), reset_resident_peak());
}

Napi::Value cpu(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (const char* problem = isa_override_problem()) check(env, Status(Code::unsupported, problem));
  const std::vector<std::string> names = cpu_features();
  Napi::Array features = Napi::Array::New(env, names.size());
  for (size_t i = 0; i < names.size(); ++i) features.Set(static_cast<uint32_t>(i), names[i]);
  Napi::Object result = Napi::Object::New(env);
  result.Set("instructionSet", kernels().name);
  result.Set("cores", static_cast<double>(available_cores()));
  result.Set("features", features);
  return result;
}

Napi::Value live_bytes_now(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(live_bytes()));
}

Napi::Value process_usage_now(const Napi::CallbackInfo& info) {
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("current", static_cast<double>(process_usage.current()));
  result.Set("peak", static_cast<double>(process_usage.peak()));
  return result;
}

Napi::Value fill_normal_bytes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Uint8Array out = to_uint8_array(info[0], "out");
  const DType dtype = to_dtype(info[1]);
  const uint64_t seed = to_whole(info[2], "seed");
  const uint64_t first = to_whole(info[3], "firstElement");
  const auto std = static_cast<float>(to_number(info[4], "std"));
  const size_t size = block_of(dtype).bytes;
  if (!is_float(dtype) || out.ByteLength() % size != 0) {
    throw_invalid(env, "out does not hold a whole number of floating-point elements");
  }
  return PromiseWorker::start(
      env,
      [data = out.Data(), count = out.ByteLength() / size, dtype, seed, first, std] {
        fill_normal(data, dtype, seed, first, count, std);
        return Status();
      },
      out);
}

Napi::Value read_memory_speed(const Napi::CallbackInfo& info) {
  const uint64_t bytes = to_whole(info[0], "bytes") & ~(kPageSize - 1);
  const size_t threads = to_whole(info[1], "threads", 256);
  Napi::Float32Array out = to_float32_array(info[2], "out");
  if (bytes == 0 || out.ElementLength() != 1) {
    throw_invalid(info.Env(), "bytes hold no page, or out is not one number");
  }
  return PromiseWorker::start(
      info.Env(),
      [=, data = out.Data()] {
        const Result<double> speed = read_memory(bytes, threads);
        if (speed.ok()) *data = static_cast<float>(speed.value());
        return speed.status();
      },
      out);
}

}  // namespace

void export_system(Napi::Env env, Napi::Object exports) {
  exports.Set("clockMs", Napi::Function::New(env, clock_ms));
  exports.Set("processMemory", Napi::Function::New(env, process_memory_report));
  exports.Set("resetResidentPeak", Napi::Function::New(env, reset_peak));
  exports.Set("cpu", Napi::Function::New(env, cpu));
  exports.Set("liveBytes", Napi::Function::New(env, live_bytes_now));
  exports.Set("processUsage", Napi::Function::New(env, process_usage_now));
  exports.Set("fillNormal", Napi::Function::New(env, fill_normal_bytes));
  exports.Set("readMemory", Napi::Function::New(env, read_memory_speed));
}

}  // namespace hyperion::addon
