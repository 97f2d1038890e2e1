#include "addon/report_objects.h"

#include "addon/convert_memory.h"
#include "platform/pages.h"

namespace hyperion::addon {
namespace {

Napi::Object by_tag(Napi::Env env, const std::array<uint64_t, kTagCount>& bytes) {
  Napi::Object object = Napi::Object::New(env);
  for (size_t i = 0; i < kTagCount; ++i) set_number(object, kTagNames[i], bytes[i]);
  return object;
}

}  // namespace

const char* name_of(Access access) {
  switch (access) {
    case Access::direct:
      return "direct";
    case Access::uring:
      return "uring";
    case Access::mapped:
      return "mmap";
    case Access::buffered:
      break;
  }
  return "buffered";
}

Napi::Object memory_object(Napi::Env env, EngineMemory& memory) {
  const MemoryCounts counts = memory.monitor().counters.snapshot();
  Napi::Object result = Napi::Object::New(env);
  set_usage(result, memory.usage());
  set_number(result, "budget", memory.budget().limit());
  set_number(result, "current", counts.current);
  set_number(result, "peak", counts.peak);
  set_number(result, "totalAllocated", counts.total_allocated);
  set_number(result, "allocations", counts.allocations);
  set_number(result, "frees", counts.frees);
  set_number(result, "reserved", counts.reserved);
  set_number(result, "reservedPeak", counts.reserved_peak);
  result.Set("byTag", by_tag(env, counts.by_tag));
  result.Set("peakByTag", by_tag(env, counts.peak_by_tag));
  return result;
}

void set_store_statistics(Napi::Object object, const StoreStatistics& statistics) {
  set_number(object, "bytesRead", statistics.reads.bytes);
  set_number(object, "loads", statistics.loads);
  set_number(object, "evictions", statistics.evictions);
  set_number(object, "hits", statistics.hits);
  set_number(object, "stalls", statistics.stalls);
  object.Set("stallMs", statistics.stall_ms);
  object.Set("readMs", statistics.reads.ms);
  object.Set("readingMs", statistics.busy.reading_ms);
  object.Set("overlapMs", statistics.busy.both_ms);
}

Napi::Object loading_object(Napi::Env env, const StoreReport& report) {
  Napi::Object result = Napi::Object::New(env);
  set_number(result, "roomBytes", report.room);
  set_number(result, "neededBytes", report.needed);
  set_number(result, "ringBytes", report.ring_bytes);
  set_number(result, "largestPartBytes", report.largest_part);
  set_number(result, "window", report.window);
  set_number(result, "parts", report.parts);
  Rows<8> rows(env, report.layers.size());
  for (const LayerReport& layer : report.layers) {
    rows.add(static_cast<int>(layer.state), layer.bytes, layer.resident_bytes, layer.kept_bytes,
             layer.pins, layer.loads, layer.load_ms, layer.priority);
  }
  result.Set("layers", rows.array());
  return result;
}

Napi::Value block_rows(Napi::Env env, const EngineMemory& memory) {
  const std::vector<LiveBlock> blocks = memory.blocks();
  BlockRows rows(env, blocks.size());
  for (const LiveBlock& block : blocks) {
    rows.add(0, address_of(block.address), block.bytes, kPageSize, block.tag, block.sequence, 0);
  }
  return rows.array();
}

}  // namespace hyperion::addon
