// What the checking pools remember of each block, apart from the block: whether it is live, since
// when and for what.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "memory/live_block.h"
#include "memory/pool_chunks.h"

namespace hyperion {

struct BlockRecord {
  uint64_t sequence;    // grows with every allocation; 0 while the block is free
  uint64_t bytes : 48;  // asked for: more than any address space has at once
  uint64_t tag : 16;
};

// One record per block, by the block's number.
class BlockRecords {
 public:
  // Makes room for so many, the new ones free; false when the heap has none, and nothing changed.
  // Records move.
  bool grow(uint64_t blocks);

  BlockRecord& operator[](uint64_t index) { return records_.get()[index]; }
  const BlockRecord& operator[](uint64_t index) const { return records_.get()[index]; }

  uint64_t size() const { return size_; }

  // All free again.
  void clear();

  // Bytes that the live blocks asked for. Looks at every record.
  uint64_t requested() const;

  // The live blocks, oldest first. REQUIRES: the records are of these chunks' blocks.
  std::vector<LiveBlock> live(const PoolChunks& chunks) const;

 private:
  struct Free {
    void operator()(BlockRecord* records) const { std::free(records); }
  };
  std::unique_ptr<BlockRecord, Free> records_;
  uint64_t size_ = 0;
};

}  // namespace hyperion
