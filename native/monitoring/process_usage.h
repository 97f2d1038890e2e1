// What the whole process has handed out, over all sessions, allocators and pools: the bytes asked
// for by live blocks, and their peak, which no sum of the owners' own peaks could tell.
#pragma once

#include <atomic>
#include <cstdint>

namespace hyperion {

// Thread-safe.
class ProcessUsage {
 public:
  void add(uint64_t bytes) {
    const uint64_t now = current_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    uint64_t peak = peak_.load(std::memory_order_relaxed);
    while (now > peak && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
    }
  }
  void subtract(uint64_t bytes) { current_.fetch_sub(bytes, std::memory_order_relaxed); }

  uint64_t current() const { return current_.load(std::memory_order_relaxed); }
  uint64_t peak() const { return peak_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> current_ = 0;
  std::atomic<uint64_t> peak_ = 0;
};

inline ProcessUsage process_usage;

}  // namespace hyperion
