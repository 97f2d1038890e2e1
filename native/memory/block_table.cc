#include "memory/block_table.h"

#include <algorithm>

namespace hyperion {

BlockHandle BlockTable::add(std::byte* data, const Request& request, double time_ms) {
  uint32_t index = free_head_;
  if (index == kNone) {
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    free_head_ = slots_[index].next_free;
  }
  slots_[index].block = {data, request, ++sequence_, time_ms};
  ++live_;
  return handle_of(index);
}

void BlockTable::remove(BlockHandle handle) {
  const auto index = static_cast<uint32_t>(handle & (kMostBlocks - 1));
  Slot& slot = slots_[index];
  slot.block.data = nullptr;
  slot.generation = (slot.generation + 1) & ((1u << kGenerationBits) - 1);
  slot.next_free = free_head_;
  free_head_ = index;
  --live_;
}

const TableBlock* BlockTable::find_freed(BlockHandle handle) const {
  const uint64_t index = handle & (kMostBlocks - 1);
  if (index >= slots_.size() || slots_[index].block.data != nullptr) return nullptr;
  const uint64_t next = handle + kMostBlocks;  // one generation on
  return next == handle_of(index) ? &slots_[index].block : nullptr;
}

bool BlockTable::is_stale(BlockHandle handle) const {
  const uint64_t index = handle & (kMostBlocks - 1);
  const uint64_t owner = handle >> (kIndexBits + kGenerationBits);
  return owner == owner_ && index < slots_.size() && handle < handle_of(index);
}

void BlockTable::clear() {
  for (uint64_t index = 0; index < slots_.size(); ++index) {
    if (slots_[index].block.data != nullptr) remove(handle_of(index));
  }
}

std::vector<BlockTable::Entry> BlockTable::entries() const {
  std::vector<Entry> entries;
  entries.reserve(live_);
  for (uint64_t index = 0; index < slots_.size(); ++index) {
    const TableBlock& block = slots_[index].block;
    if (block.data != nullptr) entries.push_back({handle_of(index), block});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.block.sequence < b.block.sequence;
  });
  return entries;
}

}  // namespace hyperion
