#include "memory/region.h"

#include <utility>

#include "base/checked.h"

namespace hyperion {

Result<Region> Region::allocate(EngineMemory& memory, Tag tag, uint64_t bytes) {
  if (bytes == 0) return Region();
  const uint64_t size = round_up(bytes, kPageSize);
  Result<std::byte*> block = memory.allocate(tag, size);
  if (!block.ok()) return block.status();
  return Region(Source::strategy, &memory, tag, block.value(), size);
}

std::optional<Region> Region::try_allocate(EngineMemory& memory, Tag tag, uint64_t bytes) {
  if (bytes == 0) return Region();
  const uint64_t size = round_up(bytes, kPageSize);
  std::byte* block = memory.try_allocate(tag, size);
  if (block == nullptr) return std::nullopt;
  return Region(Source::strategy, &memory, tag, block, size);
}

Result<Region> Region::map(EngineMemory& memory, Tag tag, uint64_t bytes) {
  const uint64_t size = round_up(bytes, kPageSize);
  Result<std::byte*> block = memory.map_pages(tag, size);
  if (!block.ok()) return block.status();
  return Region(Source::pages, &memory, tag, block.value(), size);
}

std::vector<Region> Region::split(Region whole, uint64_t bytes) {
  const auto shared = std::make_shared<Region>(std::move(whole));
  std::vector<Region> pieces;
  for (uint64_t at = 0; at < shared->size(); at += bytes) {
    pieces.push_back(Region(shared, shared->data() + at, bytes));
  }
  return pieces;
}

Region::Region(Region&& other) noexcept {
  *this = std::move(other);
}

Region& Region::operator=(Region&& other) noexcept {
  if (this != &other) {
    free();
    whole_ = std::move(other.whole_);
    source_ = other.source_;
    tag_ = other.tag_;
    memory_ = other.memory_;
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void Region::free() {
  if (size_ == 0) return;
  if (whole_ != nullptr) {
    whole_.reset();
  } else if (source_ == Source::strategy) {
    memory_->free(tag_, data_, size_);
  } else {
    memory_->unmap_pages(tag_, data_, size_);
  }
  data_ = nullptr;
  size_ = 0;
}

}  // namespace hyperion
