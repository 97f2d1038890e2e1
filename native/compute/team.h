// A team of threads that shares out the tasks of one operation after another.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "compute/function_ref.h"

namespace hyperion {

// Workers spin for some microseconds after an operation, so that the next one starts at once, and
// then sleep; they never spin when the team has more threads than the machine has cores. An
// operation waits only for tasks that a thread has taken, never for a worker to wake up: with every
// core busy elsewhere, the caller does all the work.
class Team {
 public:
  // `threads` counts the caller, so 1 (or 0) starts none. Where the system refuses a thread, the
  // team is smaller.
  explicit Team(size_t threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // Threads that take part.
  size_t size() const { return size_; }

  // So many take part from now on, of those that there are, the caller among them; others find no
  // way into an operation. REQUIRES no run goes on.
  void resize(size_t threads);

  // Calls task(i) once for each i in [0, tasks), in no fixed order, and returns when all have
  // returned; what they wrote is then visible to the caller. REQUIRES one run at a time, and none
  // from inside a task.
  void run(size_t tasks, FunctionRef<void(size_t task)> task);

 private:
  void work();
  void take_tasks();
  bool enter();
  void leave();

  // Written by run() only while the gate is shut and no worker is inside.
  const FunctionRef<void(size_t)>* task_ = nullptr;
  size_t tasks_ = 0;
  bool spin_ = false;
  std::atomic<size_t> size_{1};

  alignas(64) std::atomic<size_t> next_{0};
  // Top bit: an operation is open. Other bits: workers inside it.
  alignas(64) std::atomic<uint32_t> gate_{0};
  // Counts operations; workers sleep on it. The destructor's is the last.
  alignas(64) std::atomic<uint32_t> epoch_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace hyperion
