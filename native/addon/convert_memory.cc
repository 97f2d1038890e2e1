#include "addon/convert_memory.h"

#include <cmath>
#include <limits>

#include "addon/convert.h"
#include "addon/errors.h"

namespace hyperion::addon {
namespace {

constexpr size_t kTraceFields = 7;

StrategyConfig::Kind to_kind(const Napi::Value& value) {
  const std::string name = to_text(value, "strategy");
  if (name == "static") return StrategyConfig::Kind::fixed;
  if (name == "pooled") return StrategyConfig::Kind::pooled;
  if (name == "dynamic") return StrategyConfig::Kind::dynamic;
  if (name == "hybrid") return StrategyConfig::Kind::hybrid;
  throw_invalid(value.Env(), "strategy '" + name + "' is unknown");
}

SourceConfig to_source(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "source");
  if (to_text(object.Get("strategy"), "strategy") != "pool") return to_strategy(value);
  return PoolSource{.pool = {.size = to_whole(object.Get("size"), "size"),
                             .block_size = to_whole(object.Get("blockSize"), "blockSize"),
                             .growable = to_flag(object.Get("growable"), "growable")},
                    .thread_safe = to_flag(object.Get("threadSafe"), "threadSafe")};
}

Napi::Value to_rows(Napi::Env env, const std::vector<HybridOptimization::Bin>& bins) {
  Rows<2> rows(env, bins.size());
  for (const auto& [block_bytes, blocks] : bins) {
    rows.add(block_bytes, blocks);
  }
  return rows.array();
}

}  // namespace

uint64_t to_limit(const Napi::Value& value, const std::string& name) {
  return to_number(value, name) == INFINITY ? kUnlimited : to_whole(value, name);
}

StrategyConfig to_strategy(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "strategy");
  return {
      .kind = to_kind(object.Get("strategy")),
      .initial_pool_size = to_whole(object.Get("initialPoolSize"), "initialPoolSize"),
      .block_size = to_whole(object.Get("blockSize"), "blockSize"),
      .enable_optimization = to_flag(object.Get("enableOptimization"), "enableOptimization"),
  };
}

AllocatorConfig to_allocator_config(const Napi::Value& value) {
  const Napi::Object object = to_object(value, "the allocator");
  return {.budget = to_limit(object.Get("budget"), "budget"),
          .limit = to_limit(object.Get("limit"), "limit"),
          .source = to_source(object.Get("source"))};
}

Request to_request(double bytes, double options) {
  const auto packed = static_cast<uint64_t>(options);
  return {static_cast<uint64_t>(bytes), 1ull << (packed >> 1 & 31),
          static_cast<uint16_t>(packed >> 6),
          (packed & 1) == 0 ? Lifetime::transient : Lifetime::lasting};
}

std::vector<TraceEvent> to_trace_events(const Napi::Value& value) {
  const Napi::Env env = value.Env();
  if (!value.IsTypedArray() ||
      value.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
    throw_invalid(env, "events is not a Float64Array");
  }
  const auto table = value.As<Napi::Float64Array>();
  std::vector<TraceEvent> events;
  events.reserve(table.ElementLength() / kTraceFields);
  for (size_t i = 0; i + kTraceFields <= table.ElementLength(); i += kTraceFields) {
    const double* row = table.Data() + i;
    const auto whole = [&](size_t field, double most) {
      if (!(row[field] >= 0 && row[field] <= most)) {
        throw_invalid(
            env, "event " + std::to_string(i / kTraceFields) + " of the trace is out of range");
      }
      return static_cast<uint64_t>(row[field]);
    };
    events.push_back(
        {row[0], whole(2, 0x1p53), whole(3, 0x1p53), static_cast<uint32_t>(whole(4, UINT32_MAX)),
         static_cast<uint16_t>(whole(5, UINT16_MAX)), static_cast<TraceEvent::Kind>(whole(1, 4)),
         whole(6, 1) == 0 ? Lifetime::transient : Lifetime::lasting});
  }
  return events;
}

Napi::Number to_js(Napi::Env env, uint64_t value) {
  if (value == kUnlimited) {
    return Napi::Number::New(env, std::numeric_limits<double>::infinity());
  }
  return Napi::Number::New(env, static_cast<double>(value));
}

void set_number(Napi::Object object, const char* name, uint64_t value) {
  object.Set(name, to_js(object.Env(), value));
}

void set_counters(Napi::Object object, const AllocationCounters& counters) {
  object.Set("current", static_cast<double>(counters.current));
  object.Set("peak", static_cast<double>(counters.peak));
  set_number(object, "totalAllocated", counters.total_allocated);
  set_number(object, "allocations", counters.allocations);
  set_number(object, "frees", counters.frees);
}

void set_usage(Napi::Object object, const Usage& usage) {
  set_number(object, "reserved", usage.reserved);
  set_number(object, "active", usage.active);
  set_number(object, "requested", usage.requested);
  set_number(object, "largestFree", usage.largest_free);
  set_number(object, "liveBlocks", usage.blocks);
}

Napi::Value to_js(Napi::Env env, const Trace& trace) {
  Rows<kTraceFields> rows(env, trace.events().size());
  for (const TraceEvent& event : trace.events()) {
    rows.add(event.time_ms, event.kind, event.id, event.bytes, event.alignment, event.tag,
             event.lifetime);
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("events", rows.array());
  set_number(result, "lost", trace.lost());
  return result;
}

Napi::Value to_js(Napi::Env env, const HybridOptimization& optimization) {
  Rows<1> lasting(env, optimization.lasting_sizes.size());
  for (const uint64_t bytes : optimization.lasting_sizes) lasting.add(bytes);
  Napi::Object result = Napi::Object::New(env);
  result.Set("before", to_rows(env, optimization.before));
  result.Set("after", to_rows(env, optimization.after));
  set_number(result, "trimmed", optimization.trimmed);
  result.Set("internalBefore", optimization.internal_before);
  result.Set("internalAfter", optimization.internal_after);
  result.Set("lasting", lasting.array());
  return result;
}

Napi::Value to_span_rows(Napi::Env env, const std::vector<LiveBlock>& spans) {
  Rows<2> rows(env, spans.size());
  for (const LiveBlock& span : spans) {
    rows.add(address_of(span.address), span.bytes);
  }
  return rows.array();
}

double address_of(const std::byte* address) {
  return static_cast<double>(reinterpret_cast<uintptr_t>(address));
}

}  // namespace hyperion::addon
