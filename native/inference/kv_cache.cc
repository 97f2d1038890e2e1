#include "inference/kv_cache.h"

namespace hyperion {

Status KvCache::resize(uint64_t positions) {
  const uint64_t wanted = layout_.blocks(positions);
  if (wanted < blocks_.size()) blocks_.resize(wanted);
  while (blocks_.size() < wanted) {
    Result<Region> block = Region::allocate(memory_, Tag::kv_cache, layout_.block_bytes());
    if (!block.ok()) return block.status();
    blocks_.push_back(std::move(block.value()));
  }
  return {};
}

float* KvCache::key(uint64_t layer, uint64_t position) {
  return row(position, layout_.keys(layer));
}

float* KvCache::value(uint64_t layer, uint64_t position) {
  return row(position, layout_.values(layer));
}

float* KvCache::row(uint64_t position, uint64_t layer_offset) {
  auto* block = reinterpret_cast<float*>(blocks_[position / kBlockPositions].data());
  return block + layer_offset + (position % kBlockPositions) * layout_.width;
}

}  // namespace hyperion
