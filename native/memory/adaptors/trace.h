// Writes down every allocation and free in order, so that they can be replayed against another
// resource.
#pragma once

#include <unordered_map>
#include <vector>

#include "memory/adaptors/adaptor.h"

namespace hyperion {

struct TraceEvent {
  enum class Kind : uint8_t { allocate, free, reset };
  double time_ms;  // on the clock of now_ms()
  uint64_t id;     // of the block, counted from 1 as they were allocated; 0 for a reset
  uint64_t bytes;  // the rest is the request's; all 0 for a reset
  uint32_t alignment;
  uint16_t tag;
  Kind kind;
  Lifetime lifetime;
};

class Trace final : public Adaptor {
 public:
  static constexpr size_t kDefaultEvents = 1'000'000;

  // Holds at most `most` events: the first ones.
  explicit Trace(MemoryResource& upstream, size_t most = kDefaultEvents)
      : Adaptor(upstream), most_(most) {}

  // Begins with a block that lives already, as if it were allocated now: without this its free is
  // no event.
  void adopt(std::byte* block, const Request& request);

  // Refused requests and refused frees are no events.
  std::byte* allocate(const Request& request) override;
  FreeResult free(std::byte* block, const Request& request) override;
  void reset() override;

  const std::vector<TraceEvent>& events() const { return events_; }
  // How many events came after the last that was held.
  uint64_t lost() const { return lost_; }

 private:
  void append(TraceEvent::Kind kind, uint64_t id, const Request& request);

  const size_t most_;
  std::vector<TraceEvent> events_;
  uint64_t lost_ = 0;
  std::unordered_map<std::byte*, uint64_t> ids_;  // of the live blocks
  uint64_t last_id_ = 0;
};

}  // namespace hyperion
