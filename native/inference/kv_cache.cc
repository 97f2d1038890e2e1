#include "inference/kv_cache.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hyperion {
namespace {

uint64_t wanted_blocks(std::span<const uint64_t> lengths, size_t sequence) {
  return sequence < lengths.size() ? kv_blocks(lengths[sequence]) : 0;
}

// A scale of which the largest number is 127 times, and the nearest whole multiples of it, to the
// even one halfway. A number that is none makes the scale none, so that it is seen in the result.
void write_scaled(std::byte* row, const float* numbers, uint64_t count) {
  float largest = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const float size = std::fabs(numbers[i]);
    if (size > largest || std::isnan(size)) largest = size;
  }
  const float scale = largest / 127;
  const float inverse = largest > 0 ? 127 / largest : 0;
  std::memcpy(row, &scale, sizeof scale);
  for (uint64_t i = 0; i < count; ++i) {
    row[sizeof scale + i] = static_cast<std::byte>(std::lrintf(numbers[i] * inverse));
  }
}

}  // namespace

Status KvCache::resize(std::span<const uint64_t> lengths) {
  shrink(lengths);
  sequences_.resize(lengths.size());
  for (size_t sequence = 0; sequence < lengths.size(); ++sequence) {
    while (sequences_[sequence].size() < kv_blocks(lengths[sequence])) {
      Result<Region> region = Region::allocate(memory_, Tag::kv_cache, layout_.block_bytes());
      if (!region.ok()) return region.status();
      sequences_[sequence].push_back(blocks_.size());
      blocks_.push_back({std::move(region.value()), sequence});
    }
  }
  return {};
}

void KvCache::shrink(std::span<const uint64_t> lengths) {
  for (size_t sequence = 0; sequence < sequences_.size(); ++sequence) {
    const uint64_t wanted = wanted_blocks(lengths, sequence);
    while (sequences_[sequence].size() > wanted) free_last_of(sequence);
  }
}

// The newest block moves to where the freed one was, so that memory comes back in the reverse of
// the order in which it was taken: some strategies reuse it in that order alone.
void KvCache::free_last_of(size_t sequence) {
  const size_t freed = sequences_[sequence].back();
  sequences_[sequence].pop_back();
  const size_t newest = blocks_.size() - 1;
  if (freed != newest) {
    std::vector<size_t>& moved = sequences_[blocks_[newest].sequence];
    *std::find(moved.begin(), moved.end(), newest) = freed;
    blocks_[freed].sequence = blocks_[newest].sequence;
    std::memcpy(blocks_[freed].region.data(), blocks_[newest].region.data(), layout_.block_bytes());
  }
  blocks_.pop_back();
}

bool KvCache::has_size(std::span<const uint64_t> lengths) const {
  for (size_t sequence = 0; sequence < std::max(lengths.size(), sequences()); ++sequence) {
    const uint64_t held = sequence < sequences() ? blocks(sequence) : 0;
    if (held != wanted_blocks(lengths, sequence)) return false;
  }
  return true;
}

std::byte* KvCache::key(size_t sequence, uint64_t layer, uint64_t position) {
  return row(sequence, position, layout_.keys(layer));
}

std::byte* KvCache::value(size_t sequence, uint64_t layer, uint64_t position) {
  return row(sequence, position, layout_.values(layer));
}

std::byte* KvCache::row(size_t sequence, uint64_t position, uint64_t layer_offset) {
  const Block& block = blocks_[sequences_[sequence][position / kBlockPositions]];
  return block.region.data() + layer_offset + position % kBlockPositions * layout_.row_bytes;
}

void KvCache::write(std::byte* row, const float* numbers, uint64_t heads, uint64_t head_dim) const {
  if (layout_.type == KvType::f32) {
    std::memcpy(row, numbers, heads * head_dim * sizeof(float));
    return;
  }
  for (uint64_t head = 0; head < heads; ++head) {
    write_scaled(row + head * layout_.head_bytes(head_dim), numbers + head * head_dim, head_dim);
  }
}

}  // namespace hyperion
