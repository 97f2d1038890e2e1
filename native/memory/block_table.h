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
// was used, and the owner, so a handle comes again only after 2^20 blocks have used its slot.
using BlockHandle = uint64_t;

// A live block and how it was asked for, in 16 bytes: a table of many should fit into a cache.
// Packed by hand, because each word is written whole: bit-fields are not, and what is read back at
// once stalls.
class TableBlock {
 public:
  // As many as src/memory/tags.ts hands out numbers up to.
  static constexpr uint64_t kTags = 1 << 11;

  std::byte* data() const {
    return reinterpret_cast<std::byte*>(uintptr_t{place_ >> kGenerationBits} << 4);
  }
  // Below 2^47, as are all addresses.
  uint64_t bytes() const { return asked_ >> 17; }
  Request request() const {
    return {bytes(), 1ull << (asked_ >> 1 & 31), static_cast<uint16_t>(asked_ >> 6 & (kTags - 1)),
            (asked_ & 1) == 0 ? Lifetime::transient : Lifetime::lasting};
  }

 private:
  friend class BlockTable;
  static constexpr uint64_t kGenerationBits = 20;
  static constexpr uint64_t kGenerations = (1ull << kGenerationBits) - 1;

  static uint64_t pack(const Request& request) {
    return request.bytes << 17 | uint64_t{request.tag} << 6 |
           static_cast<uint64_t>(std::countr_zero(request.alignment)) << 1 |
           static_cast<uint64_t>(request.lifetime);
  }
  uint64_t generation() const { return place_ & kGenerations; }
  bool is_live() const { return place_ > kGenerations; }

  uint64_t place_ = 1;  // address / 16, or 0 while the slot is free, and the generation
  uint64_t asked_ = 0;
};
static_assert(sizeof(TableBlock) == 16);

class BlockTable {
 public:
  static constexpr uint64_t kMostBlocks = 1ull << 22;

  // `owner` tells handles of different tables apart, up to 2047 of them.
  explicit BlockTable(uint64_t owner) : owner_(owner % kOwners + 1) {}

  bool full() const { return free_head_ == kNone && slots_.size() == kMostBlocks; }

  // REQUIRES: !full(); the block exists, at a multiple of 16; request.tag < TableBlock::kTags.
  BlockHandle add(std::byte* data, const Request& request) {
    const uint32_t index = free_head_ != kNone ? free_head_ : append();
    free_head_ = static_cast<uint32_t>(numbers_[index]);
    numbers_[index] = ++sequence_;
    TableBlock& block = slots_[index];
    block.place_ |= uint64_t{reinterpret_cast<uintptr_t>(data) >> 4} << kGenerationBits;
    block.asked_ = TableBlock::pack(request);
    ++live_;
    return handle_of(index);
  }

  // Null for a handle that names no live block of this table.
  const TableBlock* find(BlockHandle handle) const {
    const uint64_t index = handle & (kMostBlocks - 1);
    if (index >= slots_.size() || handle != handle_of(index)) return nullptr;
    const TableBlock& block = slots_[index];
    return block.is_live() ? &block : nullptr;
  }

  // REQUIRES: find(handle) is not null.
  void remove(BlockHandle handle) {
    const auto index = static_cast<uint32_t>(handle & (kMostBlocks - 1));
    TableBlock& block = slots_[index];
    block.place_ = (block.place_ + 1) & TableBlock::kGenerations;
    numbers_[index] = free_head_;
    free_head_ = index;
    --live_;
  }

  // The number of a live block's allocation, from 1. REQUIRES: find(handle) is not null.
  uint64_t number_of(BlockHandle handle) const { return numbers_[handle & (kMostBlocks - 1)]; }
  uint64_t last_number() const { return sequence_; }

  // The block that the handle named until it was freed, if its slot was not used since.
  const TableBlock* find_freed(BlockHandle handle) const;

  // Whether the handle is one of this table whose block was freed, however often its slot was used.
  bool is_stale(BlockHandle handle) const;

  void clear();

  uint64_t size() const { return live_; }

  struct Entry {
    BlockHandle handle;
    uint64_t number;
    TableBlock block;
  };
  // Oldest first.
  std::vector<Entry> entries() const;

  // What the table costs for each block that is live at one time.
  static constexpr uint64_t kBytesPerBlock = sizeof(TableBlock) + sizeof(uint64_t);

 private:
  static constexpr uint64_t kIndexBits = 22;
  static constexpr uint64_t kGenerationBits = TableBlock::kGenerationBits;
  static constexpr uint64_t kOwners = (1 << 11) - 1;
  static constexpr uint32_t kNone = UINT32_MAX;

  uint32_t append();
  BlockHandle handle_of(uint64_t index) const {
    return (owner_ << kGenerationBits | slots_[index].generation()) << kIndexBits | index;
  }

  const uint64_t owner_;
  std::vector<TableBlock> slots_;
  // Apart from the slots, since freeing a block does not look at it: the number of a live block,
  // the next free slot of a free one.
  std::vector<uint64_t> numbers_;
  uint32_t free_head_ = kNone;
  uint64_t live_ = 0;
  uint64_t sequence_ = 0;
};

}  // namespace hyperion
