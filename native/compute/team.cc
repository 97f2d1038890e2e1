#include "compute/team.h"

#include <algorithm>
#include <chrono>
#include <system_error>

namespace hyperion {
namespace {

constexpr uint32_t kOpen = uint32_t{1} << 31;
constexpr std::chrono::microseconds kSpin{50};

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Returns once `value` is no longer `old`.
void await_change(const std::atomic<uint32_t>& value, uint32_t old, bool spin) {
  if (spin) {
    const auto deadline = std::chrono::steady_clock::now() + kSpin;
    do {
      for (int i = 0; i < 16; i++) {
        if (value.load(std::memory_order_acquire) != old) return;
        pause();
      }
    } while (std::chrono::steady_clock::now() < deadline);
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

Team::Team(size_t threads) : spin_(threads <= std::thread::hardware_concurrency()) {
  if (threads > 1) workers_.reserve(threads - 1);
  try {
    while (workers_.size() + 1 < threads) workers_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // No more threads to be had: the caller and those that started share the tasks.
  }
  resize(threads);
}

Team::~Team() {
  stop_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void Team::resize(size_t threads) {
  size_ = std::clamp<size_t>(threads, 1, workers_.size() + 1);
}

void Team::run(size_t tasks, FunctionRef<void(size_t)> task) {
  if (tasks <= 1 || size_ == 1) {
    for (size_t i = 0; i < tasks; i++) task(i);
    return;
  }
  task_ = &task;
  tasks_ = tasks;
  next_.store(0, std::memory_order_relaxed);
  gate_.store(kOpen, std::memory_order_release);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();

  take_tasks();
  uint32_t inside = gate_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
  while (inside != 0) {
    await_change(gate_, inside, spin_);
    inside = gate_.load(std::memory_order_acquire);
  }
}

void Team::work() {
  for (uint32_t seen = 0;;) {
    await_change(epoch_, seen, spin_);
    seen = epoch_.load(std::memory_order_acquire);
    if (stop_.load(std::memory_order_relaxed)) return;
    if (!enter()) continue;
    take_tasks();
    leave();
  }
}

void Team::take_tasks() {
  for (size_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < tasks_;) (*task_)(i);
}

bool Team::enter() {
  uint32_t gate = gate_.load(std::memory_order_relaxed);
  while ((gate & kOpen) && (gate & ~kOpen) + 1 < size_)
    if (gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire)) return true;
  return false;
}

void Team::leave() {
  // Only run() waits on the gate, and only once it is shut.
  if (gate_.fetch_sub(1, std::memory_order_release) == 1) gate_.notify_one();
}

}  // namespace hyperion
