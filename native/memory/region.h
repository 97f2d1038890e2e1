// Pages and their charge as one: a Region is charged before it exists and released after it is
// gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "memory/engine_memory.h"
#include "platform/pages.h"

namespace hyperion {

class Region {
 public:
  // Reclaims as EngineMemory::allocate does. OVER_BUDGET or OUT_OF_MEMORY. What it holds is
  // unspecified. Bytes are rounded up to pages; none give an empty region.
  // REQUIRES: the memory outlives the region.
  static Result<Region> allocate(EngineMemory& memory, Tag tag, uint64_t bytes);

  // Only if the bytes fit now.
  static std::optional<Region> try_allocate(EngineMemory& memory, Tag tag, uint64_t bytes);

  // Pages of their own, beneath the session's strategy; reclaims too.
  static Result<Region> map(EngineMemory& memory, Tag tag, uint64_t bytes);

  // Pieces of `bytes` each. Its memory goes back with the last of them.
  // REQUIRES: bytes is a positive multiple of kPageSize that divides size().
  static std::vector<Region> split(Region whole, uint64_t bytes);

  Region() = default;
  Region(Region&& other) noexcept;
  Region& operator=(Region&& other) noexcept;
  ~Region() { free(); }

  // Gives the bytes back now; the region is empty afterwards.
  void free();

  // Pieces that there still are of the same whole; 1 for what is none.
  size_t pieces() const { return whole_ == nullptr ? 1 : static_cast<size_t>(whole_.use_count()); }
  bool is_piece() const { return whole_ != nullptr; }
  bool is_beside(const Region& other) const { return is_piece() && whole_ == other.whole_; }

  std::byte* data() const { return data_; }
  uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  enum class Source { strategy, pages };
  Region(Source source, EngineMemory* memory, Tag tag, std::byte* data, uint64_t size)
      : source_(source), tag_(tag), memory_(memory), data_(data), size_(size) {}
  Region(std::shared_ptr<Region> whole, std::byte* data, uint64_t size)
      : whole_(std::move(whole)), data_(data), size_(size) {}

  std::shared_ptr<Region> whole_;  // of a piece; null for what is none
  Source source_ = Source::strategy;
  Tag tag_ = Tag::scratch;
  EngineMemory* memory_ = nullptr;
  std::byte* data_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace hyperion
