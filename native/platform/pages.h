// Whole pages from the operating system, returned to it on destruction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"

namespace hyperion {

#if defined(__APPLE__) && defined(__arm64__)
inline constexpr uint64_t kPageSize = 16384;
#else
inline constexpr uint64_t kPageSize = 4096;
#endif
inline constexpr uint64_t kHugePageSize = 2 * 1024 * 1024;

// Zeroed anonymous memory of exactly size() bytes; from 2 MiB on it starts at a huge page's
// boundary and asks for huge pages, which lie wholly inside it: the resident set never exceeds the
// mapped bytes.
class PageRegion {
 public:
  // REQUIRES: bytes is a positive multiple of kPageSize; alignment is a power of two from
  // kPageSize.
  static Result<PageRegion> map(uint64_t bytes, uint64_t alignment = kPageSize);

  // Unmaps what release() gave. REQUIRES: the address and size of the region.
  static void unmap(std::byte* data, uint64_t size);

  // Addresses without memory, for files to be mapped over; touching them ends the process.
  // REQUIRES: bytes is a positive multiple of kPageSize.
  static Result<PageRegion> reserve(uint64_t bytes);

  PageRegion() = default;
  PageRegion(PageRegion&& other) noexcept;
  PageRegion& operator=(PageRegion&& other) noexcept;
  ~PageRegion();

  // Leaves the pages to the caller, who unmaps them.
  std::byte* release();

  std::byte* data() const { return data_; }
  uint64_t size() const { return size_; }

 private:
  PageRegion(std::byte* data, uint64_t size) : data_(data), size_(size) {}
  std::byte* data_ = nullptr;
  uint64_t size_ = 0;
};

// Asks for those huge pages that lie wholly inside `memory`, which is about to be written from end
// to end: of a fresh array the first write then faults for each 2 MiB and not for each page, which
// costs more than what is written. Below two of them it does nothing. Advice only.
void advise_huge_pages(std::span<std::byte> memory);

}  // namespace hyperion
