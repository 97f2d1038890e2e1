// The limit on one session's bytes. Whoever wants pages charges them here first; nothing is mapped
// uncharged.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>

#include "base/status.h"
#include "monitoring/monitor.h"

namespace hyperion {

inline constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

// Thread-safe.
class Budget {
 public:
  // Frees some charged bytes, or returns false when nothing can be freed.
  using Reclaim = std::function<bool()>;

  // REQUIRES: monitor outlives the budget.
  Budget(uint64_t limit, Monitor& monitor) : limit_(limit), monitor_(monitor) {}

  // Called by charge(), without any lock of the budget held, until the bytes fit. Set before the
  // first charge.
  void set_reclaim(Reclaim reclaim) { reclaim_ = std::move(reclaim); }

  // Charges `bytes`, reclaiming as needed. OVER_BUDGET when they cannot fit; nothing is charged
  // then.
  Status charge(Tag tag, uint64_t bytes);

  // Charges `bytes` if they fit now.
  bool try_charge(Tag tag, uint64_t bytes);

  void release(Tag tag, uint64_t bytes);

  // Bytes that could be charged now.
  uint64_t available() const;

  // What charge() reports when it gives up.
  Status refusal(Tag tag, uint64_t bytes) const;

  uint64_t limit() const { return limit_; }
  Monitor& monitor() { return monitor_; }

 private:
  const uint64_t limit_;
  Monitor& monitor_;
  Reclaim reclaim_;
  mutable std::mutex mutex_;
  uint64_t charged_ = 0;
};

// The sentence and numbers of a budget that is too small.
Status over_budget(uint64_t needed, uint64_t budget, uint64_t smallest);

// Bytes charged by all budgets of the process; 0 when every session is closed.
uint64_t live_bytes();

}  // namespace hyperion
