// Which blocks of a pool are free: a stack of those that came back, above those never handed out.
// All counters fall out of it: the stack is the live count, its emptiness the limit, and as a block
// is taken fresh only while no other is free, the fresh ones taken are the peak.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "memory/pool_chunks.h"

namespace hyperion {

// `Entry` is what a pool wants at hand when it hands a block out again; `Entry::block` is the
// block.
template <class Entry>
class BlockSupply {
 public:
  BlockSupply(MemoryResource& upstream, const PoolConfig& config) : chunks_(upstream, config) {}

  bool none_returned() const { return top_ == bottom_.get(); }
  // REQUIRES: !none_returned()
  Entry pop() { return *--top_; }
  // REQUIRES: the block is live.
  void push(const Entry& entry) {
    *top_ = entry;
    ++top_;
  }

  bool none_fresh() const { return fresh_ == chunks_.blocks(); }
  // The number of a block that was never handed out. REQUIRES: none_returned() and !none_fresh()
  uint64_t take_fresh() { return fresh_++; }

  bool was_handed_out(uint64_t index) const { return index < fresh_; }

  // Doubles the blocks; false when that is refused. REQUIRES: none_returned() and none_fresh()
  bool grow();

  // Gives back the youngest chunks that hold no live block; returns how many bytes. What stays is
  // handed out lowest address first.
  uint64_t trim();

  void reset();

  uint64_t live() const { return fresh_ - returned(); }
  uint64_t peak() const { return std::max(peak_, fresh_); }
  Usage usage() const;
  const PoolChunks& chunks() const { return chunks_; }

 private:
  uint64_t returned() const { return static_cast<uint64_t>(top_ - bottom_.get()); }

  Entry* top_ = nullptr;
  std::unique_ptr<Entry[]> bottom_;
  uint64_t fresh_ = 0;  // blocks before this one have been handed out
  uint64_t peak_ = 0;   // of the time before the last trim() or reset()
  PoolChunks chunks_;
};

template <class Entry>
bool BlockSupply<Entry>::grow() {
  const uint64_t before = chunks_.blocks();
  if (!chunks_.add()) return false;
  // Uninitialized, so that pages of the stack come as blocks do.
  std::unique_ptr<Entry[]> stack(new (std::nothrow) Entry[chunks_.blocks()]);
  if (stack == nullptr) {
    chunks_.shrink(before);
    return false;
  }
  bottom_ = std::move(stack);
  top_ = bottom_.get();
  return true;
}

template <class Entry>
uint64_t BlockSupply<Entry>::trim() {
  const auto index = [&](const Entry& entry) { return chunks_.index_of(entry.block); };
  std::sort(bottom_.get(), top_,
            [&](const Entry& a, const Entry& b) { return index(a) > index(b); });
  uint64_t live_end = fresh_;
  for (Entry* entry = bottom_.get(); entry != top_ && index(*entry) + 1 == live_end; ++entry)
    --live_end;
  const Entry* kept = bottom_.get();
  const uint64_t before = chunks_.blocks();
  const uint64_t after = chunks_.blocks_within(live_end);
  while (kept != top_ && index(*kept) >= after) ++kept;
  top_ = std::copy(kept, static_cast<const Entry*>(top_), bottom_.get());
  peak_ = peak();
  fresh_ = std::min(fresh_, after);
  chunks_.shrink(after);
  return (before - after) * chunks_.block_size();
}

template <class Entry>
void BlockSupply<Entry>::reset() {
  peak_ = peak();
  fresh_ = 0;
  top_ = bottom_.get();
}

template <class Entry>
Usage BlockSupply<Entry>::usage() const {
  const uint64_t block = chunks_.block_size();
  const bool full = none_returned() && none_fresh();
  return {.reserved = chunks_.blocks() * block,
          .active = live() * block,
          .requested = live() * block,
          .largest_free = full ? 0 : block,
          .blocks = live()};
}

}  // namespace hyperion
