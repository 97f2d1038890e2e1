#include "memory/block_records.h"

#include <algorithm>
#include <cstring>

namespace hyperion {

bool BlockRecords::grow(uint64_t blocks) {
  if (blocks <= size_) return true;
  // Zeroed by the operating system as pages come, unlike a vector.
  std::unique_ptr<BlockRecord, Free> grown(
      static_cast<BlockRecord*>(std::calloc(blocks, sizeof(BlockRecord))));
  if (grown == nullptr) return false;
  if (size_ > 0) std::memcpy(grown.get(), records_.get(), size_ * sizeof(BlockRecord));
  records_ = std::move(grown);
  size_ = blocks;
  return true;
}

void BlockRecords::clear() {
  std::fill_n(records_.get(), size_, BlockRecord{});
}

uint64_t BlockRecords::requested() const {
  uint64_t bytes = 0;
  for (uint64_t index = 0; index < size_; ++index) {
    const BlockRecord& record = (*this)[index];
    if (record.sequence != 0) bytes += record.bytes;
  }
  return bytes;
}

std::vector<LiveBlock> BlockRecords::live(const PoolChunks& chunks) const {
  std::vector<LiveBlock> blocks;
  for (uint64_t index = 0; index < size_; ++index) {
    const BlockRecord& record = (*this)[index];
    if (record.sequence == 0) continue;
    blocks.push_back(
        {chunks.at(index), record.bytes, static_cast<uint16_t>(record.tag), record.sequence});
  }
  std::sort(blocks.begin(), blocks.end(),
            [](const LiveBlock& a, const LiveBlock& b) { return a.sequence < b.sequence; });
  return blocks;
}

}  // namespace hyperion
