#include "memory/budget.h"

#include <atomic>

#include "base/format.h"

namespace hyperion {
namespace {

std::atomic<uint64_t> process_bytes = 0;

}  // namespace

Status Budget::charge(Tag tag, uint64_t bytes) {
  while (!try_charge(tag, bytes)) {
    if (!reclaim_ || !reclaim_()) return refusal(tag, bytes);
  }
  return {};
}

bool Budget::try_charge(Tag tag, uint64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (bytes > limit_ - charged_) return false;
    charged_ += bytes;
    process_bytes += bytes;
    monitor_.counters.add(tag, bytes);
  }
  if (tag != Tag::weights) monitor_.record(EventKind::memory, kNoLayer, bytes);
  return true;
}

void Budget::release(Tag tag, uint64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    charged_ -= bytes;
    process_bytes -= bytes;
    monitor_.counters.subtract(tag, bytes);
  }
  if (tag != Tag::weights) monitor_.record(EventKind::memory, kNoLayer, bytes);
}

uint64_t Budget::available() const {
  const std::lock_guard lock(mutex_);
  return limit_ - charged_;
}

Status Budget::refusal(Tag tag, uint64_t bytes) const {
  const uint64_t held = monitor_.counters.snapshot().current;
  return Status(Code::over_budget,
                format_bytes(bytes) + " more of " + kTagNames[index_of(tag)] +
                    " do not fit: the budget is " + format_bytes(limit_) + ", of which " +
                    format_bytes(held) + " are in use",
                {{"neededBytes", static_cast<double>(held + bytes)},
                 {"budgetBytes", static_cast<double>(limit_)}});
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
