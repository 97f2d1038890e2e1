#include "platform/thread.h"

#include <time.h>

#include "platform/os.h"

namespace hyperion {
namespace {

// Address space, of which only touched pages count. Below a huge page's size, so that the system
// cannot back a whole stack with one and add 2 MiB a thread to the resident set.
constexpr size_t kStackBytes = 1024 * 1024;

}  // namespace

std::unique_ptr<Thread> Thread::start(const char* name, std::function<void()> body) {
  std::unique_ptr<Thread> thread(new Thread(name, std::move(body)));
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  const int error = pthread_create(&thread->thread_, &attributes, &Thread::run, thread.get());
  pthread_attr_destroy(&attributes);
  if (error != 0) return nullptr;
  thread->started_ = true;
  return thread;
}

Thread::~Thread() {
  if (started_) pthread_join(thread_, nullptr);
}

void* Thread::run(void* self) {
  auto* thread = static_cast<Thread*>(self);
  os::name_thread(thread->name_);
  thread->body_();
  return nullptr;
}

bool pin_to_core(size_t index) {
  return os::pin_thread(index);
}

double thread_time_ns() {
  timespec used;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
}

}  // namespace hyperion
