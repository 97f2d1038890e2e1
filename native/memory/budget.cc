#include "memory/budget.h"

#include <algorithm>
#include <atomic>

#include "base/format.h"

namespace hyperion {
namespace {

std::atomic<uint64_t> process_bytes = 0;

}  // namespace

bool Budget::try_charge(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (charged_ > limit_ || bytes > limit_ - charged_) return false;
  charged_ += bytes;
  peak_ = std::max(peak_, charged_);
  process_bytes += bytes;
  return true;
}

void Budget::release(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  charged_ -= bytes;
  process_bytes -= bytes;
}

Status Budget::set_limit(uint64_t limit) {
  const std::lock_guard lock(mutex_);
  if (limit < charged_) {
    return Status(Code::invalid,
                  "the limit of " + format_bytes(limit) + " is below the " +
                      format_bytes(charged_) + " that are held; free blocks or trim first",
                  {{"limitBytes", static_cast<double>(limit)},
                   {"reservedBytes", static_cast<double>(charged_)}});
  }
  limit_ = limit;
  return {};
}

void Budget::force_limit(uint64_t limit) {
  const std::lock_guard lock(mutex_);
  limit_ = limit;
}

uint64_t Budget::limit() const {
  const std::lock_guard lock(mutex_);
  return limit_;
}

uint64_t Budget::charged() const {
  const std::lock_guard lock(mutex_);
  return charged_;
}

uint64_t Budget::peak() const {
  const std::lock_guard lock(mutex_);
  return peak_;
}

uint64_t Budget::available() const {
  const std::lock_guard lock(mutex_);
  return limit_ - std::min(charged_, limit_);
}

uint64_t Budget::overdraft() const {
  const std::lock_guard lock(mutex_);
  return charged_ - std::min(charged_, limit_);
}

Status over_budget(uint64_t needed, uint64_t budget, uint64_t smallest) {
  return Status(Code::over_budget,
                "needs " + format_bytes(needed) + ", the budget is " + format_bytes(budget) +
                    "; smallest feasible budget: " + format_bytes(smallest) + " (" +
                    std::to_string(smallest) + " bytes)",
                {{"neededBytes", static_cast<double>(needed)},
                 {"budgetBytes", static_cast<double>(budget)},
                 {"smallestBudgetBytes", static_cast<double>(smallest)}});
}

uint64_t live_bytes() {
  return process_bytes;
}

}  // namespace hyperion
