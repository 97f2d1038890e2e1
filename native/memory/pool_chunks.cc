#include "memory/pool_chunks.h"

#include <algorithm>

#include "base/checked.h"
#include "base/format.h"

namespace hyperion {
namespace {

// By Newton's method: each step doubles the bits that are right, of which an odd number brings 3.
uint64_t inverse_of_odd(uint64_t odd) {
  uint64_t inverse = odd;
  for (int bits = 3; bits < 64; bits *= 2) inverse *= 2 - odd * inverse;
  return inverse;
}

}  // namespace

Status PoolChunks::check(const PoolConfig& config) {
  if (config.block_size == 0 || config.block_size > kLargestBlock)
    return Status(Code::invalid, "a pool's blocks hold at least 1 B and at most 2^53 B");
  if (config.size > kLargestBlock) return Status(Code::invalid, "a pool's size is at most 2^53 B");
  const uint64_t block_size = round_up(config.block_size, kDefaultAlignment);
  if (config.size < block_size)
    return Status(Code::invalid, "a pool of " + format_bytes(config.size) + " holds no block of " +
                                     format_bytes(block_size));
  return {};
}

PoolChunks::PoolChunks(MemoryResource& upstream, const PoolConfig& config)
    : upstream_(upstream),
      block_size_(round_up(config.block_size, kDefaultAlignment)),
      first_blocks_(config.size / block_size_),
      growable_(config.growable),
      twos_(std::countr_zero(block_size_)),
      odd_inverse_(inverse_of_odd(block_size_ >> twos_)),
      alignment_(std::min(uint64_t{1} << twos_, kLargestAlignment)) {}

bool PoolChunks::add() {
  if (!growable_ && !chunks_.empty()) return false;
  const uint64_t blocks = next_blocks();
  std::byte* begin = upstream_.allocate(chunk_of(blocks));
  if (begin == nullptr) return false;
  youngest_ = {begin, this->blocks(), blocks};
  chunks_.push_back(youngest_);
  return true;
}

uint64_t PoolChunks::blocks_within(uint64_t blocks) const {
  uint64_t within = 0;
  for (const Chunk& chunk : chunks_) {
    if (chunk.first < blocks) within = chunk.first + chunk.blocks;
  }
  return within;
}

void PoolChunks::shrink(uint64_t blocks) {
  while (this->blocks() > blocks) {
    upstream_.free(chunks_.back().begin, chunk_of(chunks_.back().blocks));
    chunks_.pop_back();
    youngest_ = chunks_.empty() ? Chunk() : chunks_.back();
  }
}

Status PoolChunks::refusal(const Request& request) const {
  const Details details = {{"neededBytes", static_cast<double>(request.bytes)},
                           {"blockBytes", static_cast<double>(block_size_)}};
  if (request.bytes > block_size_) {
    return Status(Code::out_of_memory,
                  format_bytes(request.bytes) + " are more than a block of the pool, which has " +
                      format_bytes(block_size_),
                  details);
  }
  if (request.alignment > alignment_) {
    return Status(Code::out_of_memory,
                  "an alignment of " + format_bytes(request.alignment) +
                      " is more than the pool's blocks have, " + format_bytes(alignment_),
                  details);
  }
  if (growable_ || chunks_.empty()) return upstream_.refusal(chunk_of(next_blocks()));
  return Status(Code::out_of_memory,
                "all " + std::to_string(blocks()) + " blocks of the pool are in use (" +
                    format_bytes(blocks() * block_size_) +
                    "); free some, or make the pool larger or growable",
                details);
}

std::byte* PoolChunks::at(uint64_t index) const {
  auto chunk = chunks_.end();
  do --chunk;
  while (chunk->first > index);
  return chunk->begin + (index - chunk->first) * block_size_;
}

uint64_t PoolChunks::index_of(const std::byte* block) const {
  for (const Chunk& chunk : chunks_) {
    const uint64_t index = index_in(chunk, block);
    if (index < chunk.blocks) return chunk.first + index;
  }
  return kNoBlock;
}

}  // namespace hyperion
