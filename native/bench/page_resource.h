// The upstream of what is measured: pages, straight from the operating system.
#pragma once

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/checked.h"
#include "memory/resource.h"
#include "platform/pages.h"

namespace hyperion::bench {

class PageResource final : public MemoryResource {
 public:
  std::byte* allocate(const Request& request) override {
    // Regions from a huge page on start at one's boundary.
    const uint64_t least = request.alignment > kPageSize ? kHugePageSize : kPageSize;
    Result<PageRegion> pages = PageRegion::map(round_up(std::max(request.bytes, least), kPageSize));
    if (!pages.ok()) return nullptr;
    std::byte* block = pages.value().data();
    reserved_ += pages.value().size();
    regions_.emplace(block, std::move(pages.value()));
    return block;
  }
  FreeResult free(std::byte* block, const Request&) override {
    const auto found = regions_.find(block);
    if (found == regions_.end()) return FreeResult::foreign;
    reserved_ -= found->second.size();
    regions_.erase(found);
    return FreeResult::freed;
  }
  Status refusal(const Request& request) const override {
    return PageRegion::map(round_up(request.bytes, kPageSize)).status();
  }
  Usage usage() const override { return {reserved_, reserved_, reserved_, 0, regions_.size()}; }
  uint64_t trim() override { return 0; }
  void reset() override {
    regions_.clear();
    reserved_ = 0;
  }

 private:
  std::unordered_map<std::byte*, PageRegion> regions_;
  uint64_t reserved_ = 0;
};

}  // namespace hyperion::bench
