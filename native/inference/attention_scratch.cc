#include "inference/attention_scratch.h"

namespace hyperion {

Status AttentionScratch::resize(const Extent& extent) {
  if (has_size(extent)) return {};
  free();
  const AttentionLayout wanted(graph_, threads_, extent);
  Result<Region> region = Region::allocate(memory_, Tag::scratch, wanted.bytes);
  if (!region.ok()) return region.status();
  region_ = std::move(region.value());
  layout_ = wanted;
  return {};
}

void AttentionScratch::free() {
  region_.free();
  layout_ = AttentionLayout(graph_, threads_, 0);
}

void AttentionScratch::point_at(KvCache& cache, uint64_t layer, uint64_t kv_heads,
                                uint64_t head_dim) {
  const uint64_t head_bytes = cache.layout().head_bytes(head_dim);
  uint64_t next = 0;
  first_.clear();
  for (size_t sequence = 0; sequence < cache.sequences(); ++sequence) {
    first_.push_back(next);
    for (uint64_t block = 0; block < cache.blocks(sequence); ++block, ++next) {
      const std::byte* keys = cache.key(sequence, layer, block * kBlockPositions);
      const std::byte* values = cache.value(sequence, layer, block * kBlockPositions);
      for (uint64_t head = 0; head < kv_heads; ++head) {
        addresses(2 * head)[next] = keys + head * head_bytes;
        addresses(2 * head + 1)[next] = values + head * head_bytes;
      }
    }
  }
}

float* AttentionScratch::scores(uint64_t thread) const {
  return reinterpret_cast<float*>(region_.data() + thread * layout_.scores_bytes);
}

const void** AttentionScratch::addresses(uint64_t row) const {
  return reinterpret_cast<const void**>(region_.data() + layout_.pointers +
                                        row * layout_.pointers_bytes);
}

}  // namespace hyperion
