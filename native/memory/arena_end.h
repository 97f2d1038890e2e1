// One end of an arena: a stack of the blocks that lie between the end and `fill` bytes away from
// it. Distances are counted from the end, which makes both ends the same thing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "memory/resource.h"

namespace hyperion {

class ArenaEnd {
 public:
  explicit ArenaEnd(uint64_t capacity);

  uint64_t fill() const { return fill_; }
  // Bytes of freed blocks beneath a live one.
  uint64_t holes() const { return holes_; }

  // Adds a block that reaches from fill() to `fill`. Its key is the distance of its first byte,
  // which is the nearer side of the low end's blocks and the farther side of the high end's.
  // REQUIRES: fill > fill(); key is greater than every key before.
  void push(uint64_t key, uint64_t fill, uint64_t requested);

  struct Freed {
    FreeResult result;
    uint64_t requested = 0;  // bytes that had been asked for
  };
  // Frees the block with this key, and gives up the freed blocks at the top.
  Freed free(uint64_t key);

  void clear();

 private:
  struct Record {
    uint64_t key;
    uint64_t begin;      // the fill before the block
    uint64_t requested;  // 0 once the block is freed
  };

  size_t find(uint64_t key) const;
  uint64_t extent(size_t index) const;

  std::vector<Record> records_;
  // By stride of distance, where the first record with a key in it is; of use only where there is
  // one.
  std::vector<size_t> first_;
  uint64_t fill_ = 0;
  uint64_t holes_ = 0;
};

}  // namespace hyperion
