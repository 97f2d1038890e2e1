// What sessions report: memory, statistics, events.
#include "addon/convert.h"
#include "addon/convert_memory.h"
#include "addon/errors.h"
#include "addon/functions.h"
#include "addon/instance.h"
#include "addon/report_objects.h"

namespace hyperion::addon {
namespace {

Napi::Number number(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

Napi::Value session_memory(const Napi::CallbackInfo& info) {
  return memory_object(info.Env(), Instance::of(info.Env()).session(info[0])->engine_memory());
}

Napi::Value session_statistics(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const SessionStatistics statistics = Instance::of(env).session(info[0])->statistics();
  Napi::Object result = Napi::Object::New(env);
  set_store_statistics(result, statistics.store);
  result.Set("computeMs", statistics.compute_ms);
  result.Set("threads", number(env, statistics.threads));
  result.Set("tokens", number(env, statistics.tokens));
  result.Set("position", number(env, statistics.position));
  result.Set("prefillChunk", number(env, statistics.prefill_chunk));
  result.Set("io", name_of(statistics.access));
  Napi::Array resident = Napi::Array::New(env, statistics.resident_layers.size());
  for (size_t i = 0; i < statistics.resident_layers.size(); ++i) {
    resident.Set(static_cast<uint32_t>(i), statistics.resident_layers[i]);
  }
  result.Set("residentLayers", resident);
  return result;
}

Napi::Value session_loading(const Napi::CallbackInfo& info) {
  return loading_object(info.Env(), Instance::of(info.Env()).session(info[0])->loading());
}

void set_session_priority(const Napi::CallbackInfo& info) {
  const auto session = Instance::of(info.Env()).session(info[0]);
  session->set_priority(static_cast<int>(to_whole(info[1], "layer", INT32_MAX)),
                        to_number(info[2], "priority"));
}

void record_events(const Napi::CallbackInfo& info) {
  const auto session = Instance::of(info.Env()).session(info[0]);
  check(info.Env(), session->record_events(to_flag(info[1], "on")));
}

// A row as src/native.ts describes it: six fields, then the bytes by tag, whose sum is what is
// held.
constexpr size_t kEventFields = 6 + kTagCount;

Napi::Value drain_events(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const EventLog::Drained drained = Instance::of(env).session(info[0])->drain_events();
  Napi::Float64Array rows = Napi::Float64Array::New(env, drained.events.size() * kEventFields);
  double* out = rows.Data();
  for (const Event& event : drained.events) {
    *out++ = event.time_ms;
    *out++ = static_cast<double>(event.kind);
    *out++ = event.layer;
    *out++ = static_cast<double>(event.bytes);
    *out++ = static_cast<double>(event.peak);
    *out++ = static_cast<double>(event.reserved);
    for (const uint64_t tagged : event.by_tag) *out++ = static_cast<double>(tagged);
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("events", rows);
  result.Set("lost", number(env, drained.lost));
  return result;
}

Napi::Value session_blocks(const Napi::CallbackInfo& info) {
  return block_rows(info.Env(), Instance::of(info.Env()).session(info[0])->engine_memory());
}

Napi::Value session_spans(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto session = Instance::of(env).session(info[0]);
  return to_span_rows(env, session->engine_memory().reserved_spans());
}

void start_session_trace(const Napi::CallbackInfo& info) {
  Instance::of(info.Env()).session(info[0])->engine_memory().start_trace();
}

// With the strategy as the session sized it.
Napi::Value take_session_trace(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto session = Instance::of(env).session(info[0]);
  const std::unique_ptr<Trace> trace = session->engine_memory().take_trace();
  if (trace == nullptr) throw_invalid(env, "no trace runs; begin one with startTrace()");
  Napi::Object result = to_js(env, *trace).As<Napi::Object>();
  set_number(result, "initialPoolSize", session->strategy().initial_pool_size);
  return result;
}

}  // namespace

void export_reports(Napi::Env env, Napi::Object exports) {
  exports.Set("sessionMemory", Napi::Function::New(env, session_memory));
  exports.Set("sessionStatistics", Napi::Function::New(env, session_statistics));
  exports.Set("sessionLoading", Napi::Function::New(env, session_loading));
  exports.Set("setSessionPriority", Napi::Function::New(env, set_session_priority));
  exports.Set("recordEvents", Napi::Function::New(env, record_events));
  exports.Set("drainEvents", Napi::Function::New(env, drain_events));
  exports.Set("sessionBlocks", Napi::Function::New(env, session_blocks));
  exports.Set("sessionSpans", Napi::Function::New(env, session_spans));
  exports.Set("startSessionTrace", Napi::Function::New(env, start_session_trace));
  exports.Set("takeSessionTrace", Napi::Function::New(env, take_session_trace));
}

}  // namespace hyperion::addon
