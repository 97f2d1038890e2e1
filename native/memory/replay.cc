#include "memory/replay.h"

#include <algorithm>
#include <unordered_map>

#include "platform/clock.h"

namespace hyperion {
namespace {

// Looking at usage takes longer than an event, so it is looked at so many times at most.
constexpr size_t kLooks = 2000;

// One run of the events.
class Run {
 public:
  Run(const AllocatorConfig& config) : budget_(config.budget), config_(config) {}

  Status begin() {
    auto source = make_source(config_.source, pages_);
    if (!source.ok()) return source.status();
    source_ = std::move(source.value());
    limit_.emplace(*source_, config_.limit);
    return {};
  }

  ~Run() {
    for (const auto& [id, block] : mapped_) pages_.free(block.data, block.request);
  }

  // INVALID for an event that cannot be; sets `refused` when there is no room.
  Status step(const TraceEvent& event, bool& refused) {
    switch (event.kind) {
      case TraceEvent::Kind::allocate:
        return allocate(*limit_, live_, event, refused);
      case TraceEvent::Kind::map:
        return allocate(pages_, mapped_, event, refused);
      case TraceEvent::Kind::free:
        return free(*limit_, live_, event);
      case TraceEvent::Kind::unmap:
        return free(pages_, mapped_, event);
      case TraceEvent::Kind::reset:
        limit_->reset();
        live_.clear();
        requested_ = 0;
        for (const auto& [id, block] : mapped_) requested_ += block.request.bytes;
        return {};
    }
    return {};
  }

  uint64_t requested() const { return requested_; }
  const Budget& budget() const { return budget_; }
  const MemoryResource& source() const { return *limit_; }

 private:
  struct Block {
    std::byte* data;
    Request request;
  };
  using Blocks = std::unordered_map<uint64_t, Block>;

  Status allocate(MemoryResource& from, Blocks& blocks, const TraceEvent& event, bool& refused) {
    const Request request = {event.bytes, event.alignment, event.tag, event.lifetime};
    if (request.bytes == 0 || request.bytes > kLargestBlock || request.alignment == 0 ||
        (request.alignment & (request.alignment - 1)) != 0 ||
        request.alignment > kLargestAlignment || blocks.count(event.id) > 0) {
      return Status(Code::invalid, "the trace allocates block " + std::to_string(event.id) +
                                       " in a way that cannot be");
    }
    std::byte* data = from.allocate(request);
    refused = data == nullptr;
    if (refused) return {};
    blocks.emplace(event.id, Block{data, request});
    requested_ += request.bytes;
    return {};
  }

  Status free(MemoryResource& to, Blocks& blocks, const TraceEvent& event) {
    const auto found = blocks.find(event.id);
    if (found == blocks.end()) {
      return Status(Code::invalid, "the trace frees block " + std::to_string(event.id) +
                                       ", which is not live then");
    }
    to.free(found->second.data, found->second.request);
    requested_ -= found->second.request.bytes;
    blocks.erase(found);
    return {};
  }

  Budget budget_;
  Pages pages_{budget_};
  const AllocatorConfig& config_;
  std::unique_ptr<MemoryResource> source_;
  std::optional<Limit> limit_;
  Blocks live_;
  Blocks mapped_;
  uint64_t requested_ = 0;
};

// The event with which the bytes asked for reach their peak.
size_t find_peak(std::span<const TraceEvent> events) {
  uint64_t bytes = 0;
  uint64_t most = 0;
  size_t peak = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    const TraceEvent::Kind kind = events[i].kind;
    if (kind == TraceEvent::Kind::reset) {
      bytes = 0;
    } else if (kind == TraceEvent::Kind::free || kind == TraceEvent::Kind::unmap) {
      bytes -= events[i].bytes;
    } else {
      bytes += events[i].bytes;
      if (bytes > most) peak = i;
      most = std::max(most, bytes);
    }
  }
  return peak;
}

// Follows usage, which is too slow to be timed.
Status observe(std::span<const TraceEvent> events, const AllocatorConfig& config,
               ReplayResult& result) {
  Run run(config);
  if (Status status = run.begin(); !status.ok()) return status;
  const size_t stride = std::max<size_t>(1, events.size() / kLooks);
  const size_t peak = find_peak(events);
  bool refused = false;
  for (size_t i = 0; i < events.size(); ++i) {
    if (Status status = run.step(events[i], refused); !status.ok()) return status;
    if (refused) {
      result.failed_at = i;
      result.failure = run.source().refusal({events[i].bytes, events[i].alignment});
      break;
    }
    result.requested_peak = std::max(result.requested_peak, run.requested());
    if (i != peak && i % stride != 0) continue;
    const Usage usage = run.source().usage();
    if (i == peak) result.at_peak = usage;
    result.worst_external = std::max(result.worst_external, external_fragmentation(usage));
  }
  result.reserved_peak = run.budget().peak();
  return {};
}

// What one operation takes, with what the run itself does besides: the table of its blocks.
Status time(std::span<const TraceEvent> events, const AllocatorConfig& config,
            ReplayResult& result) {
  Run run(config);
  if (Status status = run.begin(); !status.ok()) return status;
  const size_t count = result.failed_at.value_or(events.size());
  bool refused = false;
  const double begin = now_ms();
  for (size_t i = 0; i < count; ++i) {
    if (Status status = run.step(events[i], refused); !status.ok()) return status;
  }
  const double ms = now_ms() - begin;
  result.nanoseconds_per_operation = count == 0 ? 0 : ms * 1e6 / static_cast<double>(count);
  return {};
}

}  // namespace

Result<ReplayResult> replay(std::span<const TraceEvent> events, const AllocatorConfig& config) {
  ReplayResult result;
  if (Status status = observe(events, config, result); !status.ok()) return status;
  if (Status status = time(events, config, result); !status.ok()) return status;
  return result;
}

}  // namespace hyperion
