// A joining thread with a name and a small stack; what the calling thread runs on, and for how
// long.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <functional>
#include <memory>

namespace hyperion {

class Thread {
 public:
  // Null when the operating system refuses a thread. `name` must outlive the thread (a literal).
  static std::unique_ptr<Thread> start(const char* name, std::function<void()> body);

  ~Thread();  // joins
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

 private:
  Thread(const char* name, std::function<void()> body) : name_(name), body_(std::move(body)) {}
  static void* run(void* self);

  const char* const name_;
  const std::function<void()> body_;
  bool started_ = false;
  pthread_t thread_{};
};

// Keeps the calling thread, and threads that it starts, on the index-th of the cores that it may
// run on, counted from 0. False where the operating system has no such call or the thread no such
// core: it may run anywhere then, as before.
bool pin_to_core(size_t index);

// Nanoseconds of a core that the calling thread has used.
double thread_time_ns();

}  // namespace hyperion
