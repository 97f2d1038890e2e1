#include "memory/arena_end.h"

#include <algorithm>
#include <utility>

namespace hyperion {
namespace {

// A stride holds at most kStride / kDefaultAlignment blocks, which bounds the search for one.
constexpr uint64_t kStride = 16384;

}  // namespace

ArenaEnd::ArenaEnd(uint64_t capacity) : first_(capacity / kStride + 1) {}

void ArenaEnd::push(uint64_t key, uint64_t fill, uint64_t requested) {
  const uint64_t stride = key / kStride;
  if (records_.empty() || records_.back().key / kStride != stride) {
    first_[stride] = records_.size();
  }
  records_.push_back({key, fill_, requested});
  fill_ = fill;
}

ArenaEnd::Freed ArenaEnd::free(uint64_t key) {
  const size_t index = find(key);
  if (index == records_.size()) return {FreeResult::foreign};
  if (records_[index].requested == 0) return {FreeResult::freed_before};
  const uint64_t requested = std::exchange(records_[index].requested, 0);
  holes_ += extent(index);
  while (!records_.empty() && records_.back().requested == 0) {
    holes_ -= extent(records_.size() - 1);
    fill_ = records_.back().begin;
    records_.pop_back();
  }
  return {FreeResult::freed, requested};
}

void ArenaEnd::clear() {
  records_.clear();
  fill_ = 0;
  holes_ = 0;
}

size_t ArenaEnd::find(uint64_t key) const {
  const size_t begin = std::min(first_[key / kStride], records_.size());
  const size_t end = std::min(begin + kStride / kDefaultAlignment, records_.size());
  const auto found = std::lower_bound(records_.begin() + begin, records_.begin() + end, key,
                                      [](const Record& r, uint64_t k) { return r.key < k; });
  if (found == records_.begin() + end || found->key != key) return records_.size();
  return found - records_.begin();
}

uint64_t ArenaEnd::extent(size_t index) const {
  const bool newest = index + 1 == records_.size();
  return (newest ? fill_ : records_[index + 1].begin) - records_[index].begin;
}

}  // namespace hyperion
