// Memory's configurations from JavaScript, and its figures to JavaScript.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "memory/allocator.h"
#include "memory/hybrid.h"

namespace hyperion::addon {

// Bytes, or kUnlimited for Infinity.
uint64_t to_limit(const Napi::Value& value, const std::string& name);
StrategyConfig to_strategy(const Napi::Value& value);
AllocatorConfig to_allocator_config(const Napi::Value& value);
// Options as packBlockOptions() of src/native.ts packs them.
Request to_request(double bytes, double options);
// Rows as to_js(trace) makes them.
std::vector<TraceEvent> to_trace_events(const Napi::Value& value);

// kUnlimited is Infinity.
Napi::Number to_js(Napi::Env env, uint64_t value);
void set_number(Napi::Object object, const char* name, uint64_t value);

// The fields of NativeCounters and of NativeUsage in src/native.ts.
void set_counters(Napi::Object object, const AllocationCounters& counters);
void set_usage(Napi::Object object, const Usage& usage);

Napi::Value to_js(Napi::Env env, const Trace& trace);
Napi::Value to_js(Napi::Env env, const HybridOptimization& optimization);
Napi::Value to_span_rows(Napi::Env env, const std::vector<LiveBlock>& spans);

double address_of(const std::byte* address);

// A table of numbers, N to a row.
template <size_t N>
class Rows {
 public:
  Rows(Napi::Env env, size_t rows)
      : array_(Napi::Float64Array::New(env, rows * N)), next_(array_.Data()) {}

  // REQUIRES: fewer rows were added than the table has.
  template <typename... Values>
  void add(Values... values) {
    static_assert(sizeof...(Values) == N);
    ((*next_++ = static_cast<double>(values)), ...);
  }

  Napi::Float64Array array() const { return array_; }

 private:
  Napi::Float64Array array_;
  double* next_;
};

using BlockRows = Rows<7>;

}  // namespace hyperion::addon
