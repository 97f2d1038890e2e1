// The resource that every stack ends in: whole pages of the operating system, charged to a budget
// before they are mapped and released after they are unmapped.
#pragma once

#include "memory/budget.h"
#include "memory/resource.h"

namespace hyperion {

// Thread-safe, but for reset().
class Pages final : public MemoryResource {
 public:
  // REQUIRES: the budget outlives this.
  explicit Pages(Budget& budget) : budget_(budget) {}

  // Zeroed pages; those of 2 MiB and more start at a huge page's boundary.
  std::byte* allocate(const Request& request) override;
  FreeResult free(std::byte* block, const Request& request) override;

  // OVER_BUDGET when the budget is what refuses, else OUT_OF_MEMORY.
  Status refusal(const Request& request) const override;
  Usage usage() const override;
  uint64_t trim() override { return 0; }

  // Pages are their owner's to give back: this resource keeps no list of them.
  void reset() override {}

 private:
  static uint64_t mapped_bytes(const Request& request);
  Budget& budget_;
};

}  // namespace hyperion
