// Live blocks by number. JavaScript holds numbers, never addresses: one that is stale, of another
// owner, or made up finds nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "memory/resource.h"

namespace hyperion {

// Below 2^53, so that it is a number in JavaScript; never 0. It names the slot, how often the slot
// was used, and the owner, so a handle comes again only after 2^21 blocks have used its slot.
using BlockHandle = uint64_t;

struct TableBlock {
  std::byte* data = nullptr;  // null while the slot is free
  Request request = {0};
  uint64_t sequence = 0;  // the number of its allocation, from 1
  double time_ms = 0;     // when it was allocated; 0 when nobody asked
};

class BlockTable {
 public:
  static constexpr uint64_t kMostBlocks = 1ull << 22;

  // `owner` tells handles of different tables apart, up to 1023 of them.
  explicit BlockTable(uint64_t owner) : owner_(owner % kOwners + 1) {}

  bool full() const { return free_head_ == kNone && slots_.size() == kMostBlocks; }

  // REQUIRES: !full().
  BlockHandle add(std::byte* data, const Request& request, double time_ms);

  // Null for a handle that names no live block of this table.
  const TableBlock* find(BlockHandle handle) const {
    const uint64_t index = handle & (kMostBlocks - 1);
    if (index >= slots_.size() || handle != handle_of(index)) return nullptr;
    const TableBlock& block = slots_[index].block;
    return block.data == nullptr ? nullptr : &block;
  }

  // REQUIRES: find(handle) is not null.
  void remove(BlockHandle handle);

  // The block that the handle named until it was freed, if its slot was not used since.
  const TableBlock* find_freed(BlockHandle handle) const;

  // Whether the handle is one of this table whose block was freed, however often its slot was used.
  bool is_stale(BlockHandle handle) const;

  void clear();

  uint64_t size() const { return live_; }
  uint64_t last_sequence() const { return sequence_; }

  struct Entry {
    BlockHandle handle;
    TableBlock block;
  };
  // Oldest first.
  std::vector<Entry> entries() const;

 private:
  static constexpr uint64_t kIndexBits = 22;
  static constexpr uint64_t kGenerationBits = 21;
  static constexpr uint64_t kOwners = (1 << 10) - 1;
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Slot {
    TableBlock block;
    uint32_t generation = 1;
    uint32_t next_free = kNone;
  };

  BlockHandle handle_of(uint64_t index) const {
    return (owner_ << kGenerationBits | slots_[index].generation) << kIndexBits | index;
  }

  const uint64_t owner_;
  std::vector<Slot> slots_;
  uint32_t free_head_ = kNone;
  uint64_t live_ = 0;
  uint64_t sequence_ = 0;
};

}  // namespace hyperion
