#include "memory/adaptors/limit.h"

#include <algorithm>

#include "base/format.h"

namespace hyperion {

std::byte* Limit::allocate(const Request& request) {
  if (request.bytes > limit_ - used_) return nullptr;
  std::byte* block = upstream_.allocate(request);
  if (block != nullptr) used_ += request.bytes;
  return block;
}

FreeResult Limit::free(std::byte* block, const Request& request) {
  const FreeResult result = upstream_.free(block, request);
  if (result == FreeResult::freed) used_ -= request.bytes;
  return result;
}

Status Limit::refusal(const Request& request) const {
  if (request.bytes <= limit_ - used_) return upstream_.refusal(request);
  return Status(Code::over_budget,
                format_bytes(request.bytes) + " more do not fit: the limit is " +
                    format_bytes(limit_) + ", of which " + format_bytes(used_) +
                    " are in use; free blocks or raise the limit",
                {{"neededBytes", static_cast<double>(request.bytes)},
                 {"limitBytes", static_cast<double>(limit_)},
                 {"liveBytes", static_cast<double>(used_)}});
}

Usage Limit::usage() const {
  Usage usage = upstream_.usage();
  usage.largest_free = std::min(usage.largest_free, limit_ - used_);
  return usage;
}

void Limit::reset() {
  upstream_.reset();
  used_ = 0;
}

Status Limit::set_limit(uint64_t limit) {
  if (limit < used_) {
    return Status(
        Code::invalid,
        "a limit of " + format_bytes(limit) + " is below the " + format_bytes(used_) +
            " in use; free blocks first",
        {{"limitBytes", static_cast<double>(limit)}, {"liveBytes", static_cast<double>(used_)}});
  }
  limit_ = limit;
  return {};
}

}  // namespace hyperion
