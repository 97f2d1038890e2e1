// The limit on the bytes that one owner holds from the operating system. Whoever wants pages
// charges them here first; nothing is mapped uncharged.
#pragma once

#include <cstdint>
#include <limits>
#include <mutex>

#include "base/status.h"

namespace hyperion {

inline constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

// Thread-safe.
class Budget {
 public:
  explicit Budget(uint64_t limit) : limit_(limit) {}

  // Charges `bytes` if they fit now.
  bool try_charge(uint64_t bytes);

  // REQUIRES: the bytes were charged and not released since.
  void release(uint64_t bytes);

  // INVALID below what is charged; the limit stays as it was then.
  Status set_limit(uint64_t limit);

  // Also below what is charged: nothing more can be charged then until enough is released.
  void force_limit(uint64_t limit);

  uint64_t limit() const;
  uint64_t charged() const;
  uint64_t peak() const;       // the largest `charged` so far
  uint64_t available() const;  // what could be charged now
  uint64_t overdraft() const;  // what is charged beyond the limit

 private:
  mutable std::mutex mutex_;
  uint64_t limit_;
  uint64_t charged_ = 0;
  uint64_t peak_ = 0;
};

// The sentence and numbers of a budget that is too small.
Status over_budget(uint64_t needed, uint64_t budget, uint64_t smallest);

// Bytes charged to all budgets of the process; 0 when everything is closed.
uint64_t live_bytes();

}  // namespace hyperion
