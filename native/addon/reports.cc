// What sessions report: memory, statistics, events.
#include <limits>

#include "addon/convert.h"
#include "addon/errors.h"
#include "addon/functions.h"
#include "addon/instance.h"

namespace hyperion::addon {
namespace {

Napi::Number number(Napi::Env env, uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

Napi::Object by_tag(Napi::Env env, const std::array<uint64_t, kTagCount>& bytes) {
  Napi::Object object = Napi::Object::New(env);
  for (size_t i = 0; i < kTagCount; ++i) object.Set(kTagNames[i], number(env, bytes[i]));
  return object;
}

Napi::Value session_memory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto session = Instance::of(env).session(info[0]);
  const MemoryCounts counts = session->memory();
  Napi::Object result = Napi::Object::New(env);
  result.Set("budget", session->budget() == kUnlimited
                           ? Napi::Number::New(env, std::numeric_limits<double>::infinity())
                           : number(env, session->budget()));
  result.Set("current", number(env, counts.current));
  result.Set("peak", number(env, counts.peak));
  result.Set("totalAllocated", number(env, counts.total_allocated));
  result.Set("allocations", number(env, counts.allocations));
  result.Set("byTag", by_tag(env, counts.by_tag));
  result.Set("peakByTag", by_tag(env, counts.peak_by_tag));
  return result;
}

const char* name_of(Access access) {
  switch (access) {
    case Access::direct:
      return "direct";
    case Access::mapped:
      return "mmap";
    case Access::buffered:
      break;
  }
  return "buffered";
}

Napi::Value session_statistics(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const SessionStatistics statistics = Instance::of(env).session(info[0])->statistics();
  Napi::Object result = Napi::Object::New(env);
  result.Set("bytesRead", number(env, statistics.store.reads.bytes));
  result.Set("loads", number(env, statistics.store.loads));
  result.Set("evictions", number(env, statistics.store.evictions));
  result.Set("hits", number(env, statistics.store.hits));
  result.Set("stalls", number(env, statistics.store.stalls));
  result.Set("stallMs", statistics.store.stall_ms);
  result.Set("computeMs", statistics.compute_ms);
  result.Set("readMs", statistics.store.reads.ms);
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

void record_events(const Napi::CallbackInfo& info) {
  const auto session = Instance::of(info.Env()).session(info[0]);
  check(info.Env(), session->record_events(to_flag(info[1], "on")));
}

// A row as src/native.ts describes it: five fields, then the bytes by tag, whose sum is what is
// held.
constexpr size_t kEventFields = 5 + kTagCount;

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
    for (const uint64_t tagged : event.by_tag) *out++ = static_cast<double>(tagged);
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("events", rows);
  result.Set("lost", number(env, drained.lost));
  return result;
}

}  // namespace

void export_reports(Napi::Env env, Napi::Object exports) {
  exports.Set("sessionMemory", Napi::Function::New(env, session_memory));
  exports.Set("sessionStatistics", Napi::Function::New(env, session_statistics));
  exports.Set("recordEvents", Napi::Function::New(env, record_events));
  exports.Set("drainEvents", Napi::Function::New(env, drain_events));
}

}  // namespace hyperion::addon
