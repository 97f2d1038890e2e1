#include "memory/block_table.h"

#include <algorithm>

namespace hyperion {

uint32_t BlockTable::append() {
  slots_.emplace_back();
  numbers_.push_back(kNone);
  return static_cast<uint32_t>(slots_.size() - 1);
}

const TableBlock* BlockTable::find_freed(BlockHandle handle) const {
  const uint64_t index = handle & (kMostBlocks - 1);
  if (index >= slots_.size() || slots_[index].is_live()) return nullptr;
  const uint64_t next = handle + kMostBlocks;  // one generation on
  return next == handle_of(index) ? &slots_[index] : nullptr;
}

bool BlockTable::is_stale(BlockHandle handle) const {
  const uint64_t index = handle & (kMostBlocks - 1);
  const uint64_t owner = handle >> (kIndexBits + kGenerationBits);
  return owner == owner_ && index < slots_.size() && handle < handle_of(index);
}

void BlockTable::clear() {
  for (uint64_t index = 0; index < slots_.size(); ++index) {
    if (slots_[index].is_live()) remove(handle_of(index));
  }
}

std::vector<BlockTable::Entry> BlockTable::entries() const {
  std::vector<Entry> entries;
  entries.reserve(live_);
  for (uint64_t index = 0; index < slots_.size(); ++index) {
    if (!slots_[index].is_live()) continue;
    entries.push_back({handle_of(index), numbers_[index], slots_[index]});
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.number < b.number; });
  return entries;
}

}  // namespace hyperion
