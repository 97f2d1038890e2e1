// Pages and their charge as one: a Region is charged before it is mapped and released after it is
// unmapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "memory/budget.h"
#include "platform/pages.h"

namespace hyperion {

class Region {
 public:
  // Reclaims as Budget::charge does. OVER_BUDGET or OUT_OF_MEMORY.
  // Bytes are rounded up to pages; none give an empty region. REQUIRES: the budget outlives the
  // region.
  static Result<Region> allocate(Budget& budget, Tag tag, uint64_t bytes);

  // Only if the bytes fit now: OVER_BUDGET without reclaiming otherwise.
  static Result<Region> try_allocate(Budget& budget, Tag tag, uint64_t bytes);

  // Pages that belong to a file's cache: they cost the budget nothing.
  static Region uncharged(PageRegion pages) {
    return Region(nullptr, Tag::weights, std::move(pages));
  }

  Region() = default;
  Region(Region&& other) noexcept;
  Region& operator=(Region&& other) noexcept;
  ~Region() { free(); }

  // Unmaps and releases now; the region is empty afterwards.
  void free();

  std::byte* data() const { return pages_.data(); }
  uint64_t size() const { return pages_.size(); }
  bool empty() const { return size() == 0; }

 private:
  static Result<Region> map_charged(Budget& budget, Tag tag, uint64_t bytes);
  Region(Budget* budget, Tag tag, PageRegion pages)
      : budget_(budget), tag_(tag), pages_(std::move(pages)) {}

  Budget* budget_ = nullptr;
  Tag tag_ = Tag::scratch;
  PageRegion pages_;
};

}  // namespace hyperion
