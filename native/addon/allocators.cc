// Allocators: made, limited, followed and closed. Their blocks are in blocks.cc.
#include <atomic>
#include <cmath>

#include "addon/convert.h"
#include "addon/convert_memory.h"
#include "addon/errors.h"
#include "addon/functions.h"
#include "addon/instance.h"
#include "memory/hybrid.h"

namespace hyperion::addon {
namespace {

// 0, which names nothing, for what cannot be a handle.
BlockHandle to_block(const Napi::Value& value) {
  const double number = value.IsNumber() ? to_number(value, "block") : 0;
  const bool whole = number > 0 && number < 0x1p53 && number == std::floor(number);
  return whole ? static_cast<BlockHandle>(number) : 0;
}

Napi::Value create_allocator(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Instance& instance = Instance::of(env);
  static std::atomic<uint64_t> created = 0;
  auto allocator = take(env, Allocator::create(to_allocator_config(info[0]), ++created));
  return Napi::Number::New(
      env, instance.allocators.add(std::make_shared<UserAllocator>(std::move(allocator))));
}

void close_allocator(const Napi::CallbackInfo& info) {
  Instance& instance = Instance::of(info.Env());
  instance.allocator(info[0]).detach_all(info.Env());
  instance.allocators.remove(to_number(info[0], "allocator"));
}

Napi::Value allocator_stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  UserAllocator& allocator = Instance::of(env).allocator(info[0]);
  Napi::Object result = Napi::Object::New(env);
  set_counters(result, allocator->statistics().whole());
  set_usage(result, allocator->usage());
  set_number(result, "reserved", allocator->budget().charged());
  set_number(result, "reservedPeak", allocator->budget().peak());
  set_number(result, "capacity", pool_capacity(allocator->source()));
  set_number(result, "budget", allocator->budget().limit());
  set_number(result, "limit", allocator->limit());
  return result;
}

Napi::Value allocator_blocks(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  UserAllocator& allocator = Instance::of(env).allocator(info[0]);
  const BlockTracker* tracker = allocator->tracker();
  const std::vector<BlockTable::Entry> entries = allocator->blocks().entries();
  BlockRows rows(env, entries.size());
  for (const auto& [handle, number, block] : entries) {
    const Request request = block.request();
    rows.add(handle, address_of(block.data()), request.bytes, request.alignment, request.tag,
             number, tracker == nullptr ? 0 : tracker->allocated_ms(number));
  }
  return rows.array();
}

Napi::Value allocator_spans(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return to_span_rows(env, Instance::of(env).allocator(info[0])->reserved_spans());
}

Napi::Value allocator_samples(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const BlockTracker* tracker = Instance::of(env).allocator(info[0])->tracker();
  const std::vector<UsageSample> samples =
      tracker == nullptr ? std::vector<UsageSample>() : tracker->samples();
  Rows<3> rows(env, samples.size());
  for (const UsageSample& sample : samples) {
    rows.add(sample.time_ms, sample.requested, sample.reserved);
  }
  return rows.array();
}

Napi::Value allocator_histograms(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const BlockTracker* tracker = Instance::of(env).allocator(info[0])->tracker();
  const BlockTracker none;
  const BlockTracker& shown = tracker == nullptr ? none : *tracker;
  Rows<2> sizes(env, BlockTracker::kBins);
  for (const auto& [blocks, bytes] : shown.sizes()) {
    sizes.add(blocks, bytes);
  }
  Rows<1> lifetimes(env, BlockTracker::kBins);
  for (const uint64_t blocks : shown.lifetimes()) lifetimes.add(blocks);
  Napi::Object result = Napi::Object::New(env);
  result.Set("sizes", sizes.array());
  result.Set("lifetimes", lifetimes.array());
  set_number(result, "newestFirst", shown.newest_first());
  return result;
}

void track_allocator(const Napi::CallbackInfo& info) {
  Instance::of(info.Env()).allocator(info[0])->track(to_flag(info[1], "on"));
}

void set_allocator_limits(const Napi::CallbackInfo& info) {
  UserAllocator& allocator = Instance::of(info.Env()).allocator(info[0]);
  check(info.Env(), allocator->set_limits(to_limit(info[1], "budget"), to_limit(info[2], "limit")));
}

void reset_allocator(const Napi::CallbackInfo& info) {
  UserAllocator& allocator = Instance::of(info.Env()).allocator(info[0]);
  allocator.detach_all(info.Env());
  allocator->reset();
}

Napi::Value trim_allocator(const Napi::CallbackInfo& info) {
  return to_js(info.Env(), Instance::of(info.Env()).allocator(info[0])->trim());
}

void push_counters(const Napi::CallbackInfo& info) {
  Instance::of(info.Env()).allocator(info[0])->statistics().push();
}

Napi::Value pop_counters(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object result = Napi::Object::New(env);
  set_counters(result, take(env, Instance::of(env).allocator(info[0])->statistics().pop()));
  return result;
}

Napi::Value optimize_allocator(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* hybrid = dynamic_cast<Hybrid*>(&Instance::of(env).allocator(info[0])->source());
  if (hybrid == nullptr) throw_invalid(env, "only the hybrid strategy chooses its pools anew");
  return to_js(env, hybrid->optimize());
}

void start_trace(const Napi::CallbackInfo& info) {
  Instance::of(info.Env()).allocator(info[0])->start_trace();
}

Napi::Value take_trace(const Napi::CallbackInfo& info) {
  const std::unique_ptr<Trace> trace = Instance::of(info.Env()).allocator(info[0])->take_trace();
  if (trace == nullptr) throw_invalid(info.Env(), "no trace runs; begin one with startTrace()");
  return to_js(info.Env(), *trace);
}

void refusal(const Napi::CallbackInfo& info) {
  const Request request = to_request(to_number(info[1], "bytes"), to_number(info[2], "options"));
  check(info.Env(), Instance::of(info.Env()).allocator(info[0])->refusal(request));
}

Napi::Value describe_handle(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const BlockTable& blocks = Instance::of(env).allocator(info[0])->blocks();
  const BlockHandle handle = to_block(info[1]);
  const TableBlock* freed = blocks.find_freed(handle);
  Napi::Object result = Napi::Object::New(env);
  const char* kind = blocks.is_stale(handle) ? "stale" : "foreign";
  result.Set("kind", freed != nullptr ? "freed" : kind);
  set_number(result, "bytes", freed != nullptr ? freed->bytes() : 0);
  set_number(result, "tag", freed != nullptr ? freed->request().tag : 0);
  return result;
}

// Undefined when the handle names no live block.
Napi::Value view_block(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  UserAllocator& allocator = Instance::of(env).allocator(info[0]);
  const BlockHandle handle = to_block(info[1]);
  if (allocator->blocks().find(handle) == nullptr) return env.Undefined();
  return allocator.view(env, handle);
}

}  // namespace

void export_allocators(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, auto function) {
    exports.Set(name, Napi::Function::New(env, function));
  };
  add("createAllocator", create_allocator);
  add("closeAllocator", close_allocator);
  add("allocatorStats", allocator_stats);
  add("allocatorBlocks", allocator_blocks);
  add("allocatorSpans", allocator_spans);
  add("allocatorSamples", allocator_samples);
  add("allocatorHistograms", allocator_histograms);
  add("trackAllocator", track_allocator);
  add("setAllocatorLimits", set_allocator_limits);
  add("resetAllocator", reset_allocator);
  add("trimAllocator", trim_allocator);
  add("pushCounters", push_counters);
  add("popCounters", pop_counters);
  add("optimizeAllocator", optimize_allocator);
  add("startTrace", start_trace);
  add("takeTrace", take_trace);
  add("refusal", refusal);
  add("describeHandle", describe_handle);
  add("viewBlock", view_block);
}

}  // namespace hyperion::addon
