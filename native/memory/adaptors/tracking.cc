#include "memory/adaptors/tracking.h"

#include <algorithm>

namespace hyperion {

std::byte* Tracking::allocate(const Request& request) {
  std::byte* block = upstream_.allocate(request);
  if (block == nullptr) return nullptr;
  live_[block] = {request, ++sequence_};
  forget_free(block);
  return block;
}

FreeResult Tracking::free(std::byte* block, const Request& request) {
  const auto found = live_.find(block);
  if (found == live_.end()) return note_misuse(block, request);
  const Request allocated = found->second.request;
  live_.erase(found);
  remember_free(block);
  return upstream_.free(block, allocated);
}

void Tracking::reset() {
  for (const auto& [block, record] : live_) remember_free(block);
  live_.clear();
  upstream_.reset();
}

std::vector<LiveBlock> Tracking::live() const {
  std::vector<LiveBlock> blocks;
  blocks.reserve(live_.size());
  for (const auto& [block, record] : live_) {
    blocks.push_back({block, record.request.bytes, record.request.tag, record.sequence});
  }
  std::sort(blocks.begin(), blocks.end(),
            [](const LiveBlock& a, const LiveBlock& b) { return a.sequence < b.sequence; });
  return blocks;
}

void Tracking::remember_free(std::byte* block) {
  freed_at_[block] = freed_.insert(freed_.end(), block);
  if (freed_.size() > kRememberedFrees) forget_free(freed_.front());
}

void Tracking::forget_free(std::byte* block) {
  const auto found = freed_at_.find(block);
  if (found == freed_at_.end()) return;
  freed_.erase(found->second);
  freed_at_.erase(found);
}

FreeResult Tracking::note_misuse(std::byte* block, const Request& request) {
  const bool freed = freed_at_.count(block) > 0;
  const FreeResult kind = freed ? FreeResult::freed_before : FreeResult::foreign;
  misuses_.push_back({kind, block, request.tag, request.bytes});
  if (misuses_.size() > kRememberedMisuses) misuses_.pop_front();
  return kind;
}

}  // namespace hyperion
