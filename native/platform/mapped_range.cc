#include "platform/mapped_range.h"

#include <signal.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <utility>

#include "base/checked.h"
#include "platform/pages.h"

namespace hyperion {

// A place in the table of ranges, which is read by a signal handler: a list that only grows, whose
// places are used again. A range without an end holds no address.
struct WatchedRange {
  std::atomic<uintptr_t> begin = 0;
  std::atomic<uintptr_t> end = 0;
  std::atomic<bool> broken = false;
  std::atomic<bool> taken = true;
  WatchedRange* next = nullptr;
};

namespace {

static_assert(std::atomic<uintptr_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free,
              "a signal handler takes no locks");

std::atomic<WatchedRange*> first_range = nullptr;
struct sigaction previous_action;

WatchedRange* find(uintptr_t address) {
  for (WatchedRange* range = first_range.load(std::memory_order_acquire); range != nullptr;
       range = range->next) {
    if (address < range->end.load(std::memory_order_acquire) && address >= range->begin) {
      return range;
    }
  }
  return nullptr;
}

// Zeros from the page of `address` to the end of its range. The whole of it: what follows in a file
// cut short is gone too, and what is not is of no use any more.
bool patch(uintptr_t address) {
  WatchedRange* const range = find(address);
  if (range == nullptr) return false;
  range->broken = true;  // before any zero can be read
  const uintptr_t page = round_down(address, kPageSize);
  void* const zeros = ::mmap(reinterpret_cast<void*>(page), range->end - page, PROT_READ,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  return zeros != MAP_FAILED;
}

// What happens to a signal that is not ours: what would have happened without us.
void pass_on(int signal, siginfo_t* info, void* context) {
  if ((previous_action.sa_flags & SA_SIGINFO) != 0) {
    previous_action.sa_sigaction(signal, info, context);
  } else if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN) {
    previous_action.sa_handler(signal);
  } else {
    ::sigaction(signal, &previous_action, nullptr);
    ::raise(signal);
  }
}

void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int error = errno;
  // Signals that a process sent have no address.
  const bool fault = info->si_code > 0 && info->si_code != SI_USER;
  if (!fault || !patch(reinterpret_cast<uintptr_t>(info->si_addr))) {
    pass_on(signal, info, context);
  }
  errno = error;
}

void install_handler() {
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  // Known before the handler can run.
  ::sigaction(SIGBUS, nullptr, &previous_action);
  ::sigaction(SIGBUS, &action, nullptr);
}

WatchedRange* take_place() {
  WatchedRange* range = first_range.load(std::memory_order_acquire);
  for (; range != nullptr; range = range->next) {
    if (!range->taken.exchange(true)) return range;
  }
  range = new WatchedRange;
  range->next = first_range.load(std::memory_order_relaxed);
  while (!first_range.compare_exchange_weak(range->next, range)) {
  }
  return range;
}

}  // namespace

MappedRange::MappedRange(const std::byte* data, uint64_t bytes) {
  static std::once_flag installed;
  std::call_once(installed, install_handler);
  watched_ = take_place();
  const auto begin = reinterpret_cast<uintptr_t>(data);
  watched_->broken = false;
  watched_->begin = begin;
  watched_->end = begin + bytes;
}

MappedRange::MappedRange(MappedRange&& other) noexcept
    : watched_(std::exchange(other.watched_, nullptr)) {}

MappedRange& MappedRange::operator=(MappedRange&& other) noexcept {
  std::swap(watched_, other.watched_);
  return *this;
}

MappedRange::~MappedRange() {
  if (watched_ == nullptr) return;
  watched_->end = 0;
  watched_->taken = false;
}

bool MappedRange::broken() const {
  return watched_ != nullptr && watched_->broken;
}

}  // namespace hyperion
