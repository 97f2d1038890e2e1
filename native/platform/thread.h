// A joining thread with a name and a small stack.
#pragma once

#include <pthread.h>

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

}  // namespace hyperion
