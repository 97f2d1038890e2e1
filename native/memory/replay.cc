#include "memory/replay.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "platform/clock.h"

namespace hyperion {
namespace {

constexpr size_t kTimedRuns = 5;

// One run of the events.
class Run {
 public:
  explicit Run(const AllocatorConfig& config) : budget_(config.budget), config_(config) {}

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
  Usage usage() const { return limit_->usage(); }
  Status refusal(const TraceEvent& event) const {
    const Request request = request_of(event);
    return event.kind == TraceEvent::Kind::map ? pages_.refusal(request) : limit_->refusal(request);
  }

 private:
  struct Block {
    std::byte* data;
    Request request;
  };
  using Blocks = std::unordered_map<uint64_t, Block>;

  static Request request_of(const TraceEvent& event) {
    return {event.bytes, event.alignment, event.tag, event.lifetime};
  }

  Status allocate(MemoryResource& from, Blocks& blocks, const TraceEvent& event, bool& refused) {
    const Request request = request_of(event);
    if (request.bytes == 0 || request.bytes > kLargestBlock || request.alignment == 0 ||
        (request.alignment & (request.alignment - 1)) != 0 ||
        request.alignment > kLargestAlignment || blocks.count(event.id) > 0) {
      return Status(Code::invalid, "the trace allocates block " + std::to_string(event.id) +
                                       " in a way that cannot be");
    }
    std::byte* data = from.allocate(request);
    // As in a session, what the source keeps for its next block stands back for pages.
    if (data == nullptr && event.kind == TraceEvent::Kind::map && limit_->trim() > 0) {
      data = from.allocate(request);
    }
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

// How far a trace runs, and where most is asked for.
struct Survey {
  size_t events = 0;  // up to the one that is refused
  size_t peak = 0;    // the event with which the bytes asked for are most
};

// Runs the events until one is refused. INVALID for one that cannot be.
Result<Survey> survey(std::span<const TraceEvent> events, const AllocatorConfig& config,
                      ReplayResult& result) {
  Run run(config);
  if (Status status = run.begin(); !status.ok()) return status;
  Survey survey;
  bool refused = false;
  for (; survey.events < events.size(); ++survey.events) {
    const TraceEvent& event = events[survey.events];
    if (Status status = run.step(event, refused); !status.ok()) return status;
    if (refused) {
      result.failed_at = survey.events;
      result.failure = run.refusal(event);
      break;
    }
    if (run.requested() <= result.requested_peak) continue;
    result.requested_peak = run.requested();
    survey.peak = survey.events;
  }
  result.reserved_peak = run.budget().peak();
  return survey;
}

// Usage after the last of the events.
Result<Usage> usage_after(std::span<const TraceEvent> events, const AllocatorConfig& config) {
  Run run(config);
  if (Status status = run.begin(); !status.ok()) return status;
  bool refused = false;
  for (const TraceEvent& event : events) {
    if (Status status = run.step(event, refused); !status.ok()) return status;
  }
  return run.usage();
}

Status time_once(std::span<const TraceEvent> events, const AllocatorConfig& config, double& least) {
  if (events.empty()) return {};
  Run run(config);
  if (Status status = run.begin(); !status.ok()) return status;
  bool refused = false;
  const double begin = now_ms();
  for (const TraceEvent& event : events) {
    if (Status status = run.step(event, refused); !status.ok()) return status;
  }
  least = std::min(least, (now_ms() - begin) * 1e6 / static_cast<double>(events.size()));
  return {};
}

// What one operation takes, with what the run itself does besides: the table of its blocks. The
// least of some runs, since what else happens only ever adds.
Status time(std::span<const TraceEvent> events, const AllocatorConfig& config,
            ReplayResult& result) {
  double least = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < kTimedRuns; ++i) {
    if (Status status = time_once(events, config, least); !status.ok()) return status;
  }
  result.nanoseconds_per_operation = events.empty() ? 0 : least;
  return {};
}

}  // namespace

Result<ReplayResult> replay(std::span<const TraceEvent> events, const AllocatorConfig& config) {
  ReplayResult result;
  const Result<Survey> found = survey(events, config, result);
  if (!found.ok()) return found.status();
  const auto done = events.first(found.value().events);
  const Result<Usage> at_peak =
      usage_after(done.first(std::min(done.size(), found.value().peak + 1)), config);
  if (!at_peak.ok()) return at_peak.status();
  result.at_peak = at_peak.value();
  if (Status status = time(done, config, result); !status.ok()) return status;
  return result;
}

}  // namespace hyperion
