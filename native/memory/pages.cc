#include "memory/pages.h"

#include <algorithm>

#include "base/checked.h"
#include "base/format.h"
#include "platform/pages.h"

namespace hyperion {

uint64_t Pages::mapped_bytes(const Request& request) {
  return round_up(request.bytes, kPageSize);
}

std::byte* Pages::allocate(const Request& request) {
  const uint64_t bytes = mapped_bytes(request);
  if (!budget_.try_charge(bytes)) return nullptr;
  Result<PageRegion> pages = PageRegion::map(bytes, std::max(request.alignment, kPageSize));
  if (pages.ok()) return pages.value().release();
  budget_.release(bytes);
  return nullptr;
}

FreeResult Pages::free(std::byte* block, const Request& request) {
  const uint64_t bytes = mapped_bytes(request);
  PageRegion::unmap(block, bytes);
  budget_.release(bytes);
  return FreeResult::freed;
}

Status Pages::refusal(const Request& request) const {
  const uint64_t bytes = mapped_bytes(request);
  const uint64_t available = budget_.available();
  if (bytes <= available) {
    return Status(Code::out_of_memory,
                  "the operating system has no " + format_bytes(bytes) + " of memory left",
                  {{"neededBytes", static_cast<double>(bytes)}});
  }
  const uint64_t limit = budget_.limit();
  return Status(Code::over_budget,
                format_bytes(bytes) + " more do not fit: the limit is " + format_bytes(limit) +
                    ", of which " + format_bytes(available) + " are left",
                {{"neededBytes", static_cast<double>(bytes)},
                 {"budgetBytes", static_cast<double>(limit)},
                 {"availableBytes", static_cast<double>(available)}});
}

Usage Pages::usage() const {
  const uint64_t held = budget_.charged();
  return {.reserved = held, .active = held, .requested = held};
}

}  // namespace hyperion
