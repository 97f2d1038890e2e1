#include "memory/adaptors/trace.h"

#include "platform/clock.h"

namespace hyperion {

void Trace::adopt(std::byte* block, const Request& request) {
  ids_[block] = ++last_id_;
  append(TraceEvent::Kind::allocate, last_id_, request);
}

std::byte* Trace::allocate(const Request& request) {
  std::byte* block = upstream_.allocate(request);
  if (block != nullptr) adopt(block, request);
  return block;
}

FreeResult Trace::free(std::byte* block, const Request& request) {
  const FreeResult result = upstream_.free(block, request);
  const auto found = ids_.find(block);
  if (result != FreeResult::freed || found == ids_.end()) return result;
  append(TraceEvent::Kind::free, found->second, request);
  ids_.erase(found);
  return result;
}

void Trace::reset() {
  upstream_.reset();
  ids_.clear();
  append(TraceEvent::Kind::reset, 0, {0, 0});
}

void Trace::append(TraceEvent::Kind kind, uint64_t id, const Request& request) {
  if (events_.size() == most_) {
    ++lost_;
    return;
  }
  events_.push_back({now_ms(), id, request.bytes, static_cast<uint32_t>(request.alignment),
                     request.tag, kind, request.lifetime});
}

}  // namespace hyperion
