// Live blocks by number. JavaScript holds numbers, never addresses: one that is stale, of another
// owner, or made up finds nothing. The table is the record of every block besides: what it is for,
// how large, how old.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "memory/resource.h"

namespace hyperion {

// Below 2^53, so that it is a number in JavaScript; never 0. It names the slot, how often the slot
// was used, and the owner, so a handle comes again only after 2^21 blocks have used its slot.
using BlockHandle = uint64_t;

// Packed, because a table of many blocks should fit into a cache.
class TableBlock {
 public:
  TableBlock() = default;
  TableBlock(std::byte* data, const Request& request, uint64_t sequence)
      : data_(data),
        bytes_(request.bytes),
        tag_(request.tag),
        sequence_(sequence),
        alignment_(static_cast<uint64_t>(std::countr_zero(request.alignment))),
        lasting_(request.lifetime == Lifetime::lasting) {}

  std::byte* data() const { return data_; }
  Request request() const {
    return {bytes_, 1ull << alignment_, static_cast<uint16_t>(tag_),
            lasting_ ? Lifetime::lasting : Lifetime::transient};
  }
  uint64_t bytes() const { return bytes_; }
  // The number of its allocation, from 1.
  uint64_t sequence() const { return sequence_; }

 private:
  friend class BlockTable;
  std::byte* data_ = nullptr;  // null while the slot is free
  uint64_t bytes_ : 48 = 0;    // more than any address space has at once
  uint64_t tag_ : 16 = 0;
  uint64_t sequence_ : 56 = 0;
  uint64_t alignment_ : 7 = 0;  // its logarithm
  uint64_t lasting_ : 1 = 0;
};

class BlockTable {
 public:
  static constexpr uint64_t kMostBlocks = 1ull << 22;

  // `owner` tells handles of different tables apart, up to 1023 of them.
  explicit BlockTable(uint64_t owner) : owner_(owner % kOwners + 1) {}

  bool full() const { return free_head_ == kNone && slots_.size() == kMostBlocks; }

  // REQUIRES: !full(); the block exists, so that its bytes are below 2^48.
  BlockHandle add(std::byte* data, const Request& request) {
    const uint32_t index = free_head_ != kNone ? free_head_ : append();
    Slot& slot = slots_[index];
    free_head_ = slot.next_free;
    slot.block = TableBlock(data, request, ++sequence_);
    ++live_;
    return handle_of(index);
  }

  // Null for a handle that names no live block of this table.
  const TableBlock* find(BlockHandle handle) const {
    const uint64_t index = handle & (kMostBlocks - 1);
    if (index >= slots_.size() || handle != handle_of(index)) return nullptr;
    const TableBlock& block = slots_[index].block;
    return block.data_ == nullptr ? nullptr : &block;
  }

  // REQUIRES: find(handle) is not null.
  void remove(BlockHandle handle) {
    const auto index = static_cast<uint32_t>(handle & (kMostBlocks - 1));
    Slot& slot = slots_[index];
    slot.block.data_ = nullptr;
    slot.generation = (slot.generation + 1) & kGenerations;
    slot.next_free = free_head_;
    free_head_ = index;
    --live_;
  }

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

  // What the table costs for each block that is live at one time.
  static constexpr uint64_t kBytesPerBlock = 32;

 private:
  static constexpr uint64_t kIndexBits = 22;
  static constexpr uint64_t kGenerationBits = 21;
  static constexpr uint32_t kGenerations = (1u << kGenerationBits) - 1;
  static constexpr uint64_t kOwners = (1 << 10) - 1;
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Slot {
    TableBlock block;
    uint32_t generation = 1;
    uint32_t next_free = kNone;
  };
  static_assert(sizeof(Slot) == kBytesPerBlock);

  uint32_t append();
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
