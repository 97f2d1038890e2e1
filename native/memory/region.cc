#include "memory/region.h"

#include <utility>

#include "base/checked.h"

namespace hyperion {

Result<Region> Region::allocate(Budget& budget, Tag tag, uint64_t bytes) {
  if (bytes == 0) return Region();
  const uint64_t pages = round_up(bytes, kPageSize);
  if (Status status = budget.charge(tag, pages); !status.ok()) return status;
  return map_charged(budget, tag, pages);
}

Result<Region> Region::try_allocate(Budget& budget, Tag tag, uint64_t bytes) {
  if (bytes == 0) return Region();
  const uint64_t pages = round_up(bytes, kPageSize);
  if (!budget.try_charge(tag, pages)) return Status(Code::over_budget, "does not fit now");
  return map_charged(budget, tag, pages);
}

Result<Region> Region::map_charged(Budget& budget, Tag tag, uint64_t bytes) {
  Result<PageRegion> pages = PageRegion::map(bytes);
  if (!pages.ok()) {
    budget.release(tag, bytes);
    return pages.status();
  }
  return Region(&budget, tag, std::move(pages.value()));
}

Region::Region(Region&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)),
      tag_(other.tag_),
      pages_(std::move(other.pages_)) {}

Region& Region::operator=(Region&& other) noexcept {
  if (this != &other) {
    free();
    budget_ = std::exchange(other.budget_, nullptr);
    tag_ = other.tag_;
    pages_ = std::move(other.pages_);
  }
  return *this;
}

void Region::free() {
  const uint64_t bytes = pages_.size();
  pages_ = PageRegion();
  if (budget_ == nullptr) return;
  budget_->release(tag_, bytes);
  budget_ = nullptr;
}

}  // namespace hyperion
