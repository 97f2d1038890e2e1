#include "platform/pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "base/checked.h"
#include "base/format.h"
#include "platform/os.h"

namespace hyperion {
namespace {

Status out_of_memory(uint64_t bytes) {
  return Status(Code::out_of_memory,
                "the operating system has no " + format_bytes(bytes) + " of memory left",
                {{"neededBytes", static_cast<double>(bytes)}});
}

}  // namespace

Result<PageRegion> PageRegion::map(uint64_t bytes, uint64_t alignment) {
  const bool huge = bytes >= kHugePageSize;
  if (huge) alignment = std::max(alignment, kHugePageSize);
  const uint64_t reserved = bytes + (alignment - kPageSize);
  void* mapped =
      mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return out_of_memory(bytes);
  auto* begin = static_cast<std::byte*>(mapped);

  const auto address = reinterpret_cast<uintptr_t>(begin);
  const uint64_t lead = round_up(address, alignment) - address;
  const uint64_t tail = reserved - lead - bytes;
  if (lead > 0) munmap(begin, lead);
  if (tail > 0) munmap(begin + lead + bytes, tail);
  if (huge) os::advise_huge_pages(begin + lead, round_down(bytes, kHugePageSize));
  return PageRegion(begin + lead, bytes);
}

void PageRegion::unmap(std::byte* data, uint64_t size) {
  munmap(data, size);
}

std::byte* PageRegion::release() {
  size_ = 0;
  return std::exchange(data_, nullptr);
}

Result<PageRegion> PageRegion::reserve(uint64_t bytes) {
  void* mapped = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return out_of_memory(bytes);
  return PageRegion(static_cast<std::byte*>(mapped), bytes);
}

PageRegion::PageRegion(PageRegion&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

PageRegion& PageRegion::operator=(PageRegion&& other) noexcept {
  if (this != &other) {
    if (data_ != nullptr) munmap(data_, size_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

PageRegion::~PageRegion() {
  if (data_ != nullptr) munmap(data_, size_);
}

void advise_huge_pages(std::span<std::byte> memory) {
  const auto begin = reinterpret_cast<uintptr_t>(memory.data());
  const uint64_t lead = round_up(begin, kHugePageSize) - begin;
  if (memory.size() < lead + 2 * kHugePageSize) return;
  const uint64_t inside = round_down(memory.size() - lead, kHugePageSize);
  os::advise_huge_pages(memory.data() + lead, inside);
}

}  // namespace hyperion
