#include <atomic>
#include <memory>
#include <mutex>
#include <numeric>

#include "bench/loops.h"
#include "bench/page_resource.h"
#include "bench/workloads.h"
#include "memory/checked_pool.h"
#include "memory/shared_pool.h"
#include "platform/clock.h"

namespace hyperion::bench {
namespace {

constexpr PoolConfig kConfig{.size = 4096 * kLoopBytes, .block_size = kLoopBytes};

class Shared {
 public:
  explicit Shared(SharedPool& pool) : pool_(pool) {}
  std::byte* allocate(uint64_t bytes) { return pool_.allocate_block(bytes); }
  void free(std::byte* block, uint64_t) { pool_.free_block(block); }

 private:
  SharedPool& pool_;
};

// What threads would do with a pool that is not made for them.
class Locked {
 public:
  Locked(CheckedPool& pool, std::mutex& mutex) : pool_(pool), mutex_(mutex) {}
  std::byte* allocate(uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    return pool_.allocate_block(bytes);
  }
  void free(std::byte* block, uint64_t) {
    const std::lock_guard lock(mutex_);
    pool_.free_block(block);
  }

 private:
  CheckedPool& pool_;
  std::mutex& mutex_;
};

// A thread's time of an operation, on average, all on cores of their own where there are. Sleep on
// a lock is not in it, so that a locked pool looks better here than it is.
template <class Allocator>
double time_threads(Allocator allocator, size_t threads, uint64_t operations) {
  std::atomic<size_t> waiting = threads;
  std::vector<double> times(threads);
  {
    std::vector<std::unique_ptr<Thread>> running;
    for (size_t i = 0; i < threads; ++i) {
      running.push_back(Thread::start("hyp-bench", [&, i] {
        pin_to_core(i);
        // All begin together, or the first would be done before the last comes.
        --waiting;
        while (waiting > 0) {
        }
        times[i] = time_once(operations,
                             [&](uint64_t count) { free_at_once(allocator, kLoopBytes, count); });
      }));
    }
  }
  return std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(threads);
}

template <class Allocator>
void measure_both(const char* alone_name, const char* together_name, Allocator allocator,
                  const Options& options, Report& report) {
  std::vector<double> one;
  std::vector<double> two;
  for (size_t i = 0; i <= options.repeats; ++i) {
    const double alone = time_threads(allocator, 1, options.operations);
    const double together = time_threads(allocator, 2, options.operations);
    if (i == 0) continue;  // to warm up
    one.push_back(alone);
    two.push_back(together);
  }
  report.add(alone_name, "lifo", summarize(one));
  report.add(together_name, "lifo", summarize(two));
}

}  // namespace

void threads(const Options& options, Report& report) {
  PageResource upstream;
  const auto shared_pool = std::move(SharedPool::create(upstream, kConfig).value());
  const auto checked_pool = std::move(CheckedPool::create(upstream, kConfig).value());
  std::mutex mutex;
  measure_both("shared pool, 1 thread", "shared pool, 2 threads", Shared(*shared_pool), options,
               report);
  measure_both("locked pool, 1 thread", "locked pool, 2 threads", Locked(*checked_pool, mutex),
               options, report);
}

}  // namespace hyperion::bench
