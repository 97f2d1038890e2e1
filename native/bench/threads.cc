#include <atomic>
#include <memory>
#include <mutex>

#include "bench/loops.h"
#include "bench/page_resource.h"
#include "bench/workloads.h"
#include "memory/checked_pool.h"
#include "memory/shared_pool.h"
#include "platform/clock.h"

namespace hyperion::bench {
namespace {

constexpr uint64_t kBlockBytes = 64;
constexpr PoolConfig kConfig{.size = 4096 * kBlockBytes, .block_size = kBlockBytes};

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
  explicit Locked(CheckedPool& pool) : pool_(pool) {}
  std::byte* allocate(uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    return pool_.allocate_block(bytes);
  }
  void free(std::byte* block, uint64_t) {
    const std::lock_guard lock(mutex_);
    pool_.free_block(block);
  }

 private:
  std::mutex mutex_;
  CheckedPool& pool_;
};

// The slower one's time of an operation by the clock, as a thread that sleeps on a lock uses no
// core; all on cores of their own where there are.
template <class Allocator>
double time_threads(Allocator& allocator, size_t threads, uint64_t operations) {
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
                             [&](uint64_t count) { free_at_once(allocator, kBlockBytes, count); });
      }));
    }
  }
  return *std::max_element(times.begin(), times.end());
}

template <class Allocator>
void measure_both(const char* alone_name, const char* together_name, Allocator& allocator,
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
  Shared shared(*shared_pool);
  Locked locked(*checked_pool);
  measure_both("shared pool, 1 thread", "shared pool, 2 threads", shared, options, report);
  measure_both("locked pool, 1 thread", "locked pool, 2 threads", locked, options, report);
}

}  // namespace hyperion::bench
