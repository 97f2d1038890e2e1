// Where the blocks of a pool lie: contiguous chunks from the upstream, all blocks numbered from 0.
// Shared by the pools, which differ in what they remember of a block; nothing here is on their way
// of a block.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/status.h"
#include "memory/resource.h"

namespace hyperion {

struct PoolConfig {
  uint64_t size = 0;        // bytes; rounded down to whole blocks
  uint64_t block_size = 0;  // bytes; rounded up to 16
  bool growable = false;    // adds chunks, each as large as all before, until the upstream refuses
};

inline constexpr uint64_t kNoBlock = std::numeric_limits<uint64_t>::max();

class PoolChunks {
 public:
  // INVALID unless the size holds at least one block.
  static Status check(const PoolConfig& config);

  // Holds no chunk before add(). REQUIRES: check(config) is ok; upstream outlives the chunks.
  PoolChunks(MemoryResource& upstream, const PoolConfig& config);
  ~PoolChunks() { shrink(0); }
  PoolChunks(const PoolChunks&) = delete;
  PoolChunks& operator=(const PoolChunks&) = delete;

  // The first chunk, or, where the pool may grow, one as large as all that are held; false when the
  // upstream refuses.
  bool add();

  // The blocks of the chunks that hold the first `blocks` blocks.
  uint64_t blocks_within(uint64_t blocks) const;

  // Gives back the chunks behind the first `blocks` blocks. REQUIRES: blocks_within(blocks) ==
  // blocks
  void shrink(uint64_t blocks);

  bool fits(const Request& request) const {
    return request.bytes <= block_size_ && request.alignment <= alignment_;
  }

  // Why a pool whose blocks are all in use, or that the request does not fit, refuses it.
  Status refusal(const Request& request) const;

  // The number of the block that starts at the address; kNoBlock when none does. Pure, so that a
  // loop of frees keeps what it has in registers.
  [[gnu::pure]] uint64_t index_of(const std::byte* block) const;

  // The same within the youngest chunk, which holds at least half of all blocks: counted from its
  // first one, and blocks_of_youngest() or more when no block of it starts there.
  uint64_t index_in_youngest(const std::byte* block) const { return index_in(youngest_, block); }
  uint64_t blocks_of_youngest() const { return youngest_.blocks; }
  uint64_t first_of_youngest() const { return youngest_.first; }

  // REQUIRES: index < blocks()
  std::byte* at(uint64_t index) const;

  uint64_t blocks() const { return youngest_.first + youngest_.blocks; }
  uint64_t block_size() const { return block_size_; }
  // What every block is aligned to.
  uint64_t alignment() const { return alignment_; }

 private:
  struct Chunk {
    std::byte* begin = nullptr;
    uint64_t first = 0;  // number of its first block
    uint64_t blocks = 0;
  };

  // Division without dividing: the product with the inverse of the block size's odd part, modulo
  // 2^64, turned by its power of two, is the quotient of a multiple, and for all else larger than
  // any quotient (Warren, Hacker's Delight, "Test for Zero Remainder after Division by a
  // Constant").
  uint64_t index_in(const Chunk& chunk, const std::byte* block) const {
    const uint64_t offset =
        reinterpret_cast<uintptr_t>(block) - reinterpret_cast<uintptr_t>(chunk.begin);
    return std::rotr(offset * odd_inverse_, twos_);
  }

  uint64_t next_blocks() const { return chunks_.empty() ? first_blocks_ : blocks(); }
  Request chunk_of(uint64_t blocks) const { return {blocks * block_size_, alignment_}; }

  MemoryResource& upstream_;
  const uint64_t block_size_;
  const uint64_t first_blocks_;
  const bool growable_;
  const int twos_;  // block_size_ is an odd number times 2 to this
  const uint64_t odd_inverse_;
  const uint64_t alignment_;
  Chunk youngest_;  // a copy of the last of chunks_, at hand
  std::vector<Chunk> chunks_;
};

}  // namespace hyperion
