// What reads weights: a queue in two classes, demand before prefetch, of requests small enough that
// a cancelled load stops soon, and the threads, or the thread with a ring, that work on it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/status.h"
#include "platform/file.h"
#include "platform/read_ring.h"
#include "platform/thread.h"

namespace hyperion {

// 4 MiB reads by two threads reach the disk's speed; larger ones only delay a cancel.
inline constexpr uint64_t kMaxReadBytes = 4 * 1024 * 1024;

struct ReadRequest {
  File* file;
  uint64_t offset;
  std::byte* into;
  uint64_t bytes;
  uint64_t required;  // fewer bytes than these are CORRUPT
  int layer;
};

enum class Urgency { prefetch, demand };

struct ReadTotals {
  uint64_t bytes = 0;  // as read, alignment included
  double ms = 0;       // summed over the reads
};

// Thread-safe.
class Readers {
 public:
  // Reports one request of `layer` on a reader thread, with no lock of the readers held.
  using Done = std::function<void(int layer, const Status& status)>;

  // With so many reads at once, each by a thread of its own. Access::uring gives direct reads to a
  // ring instead, of which one thread takes care; threads it is where a ring is refused. Where the
  // operating system refuses threads there are fewer, see size().
  Readers(size_t at_once, Done done, Access access = Access::direct);
  ~Readers();  // drops what is queued, finishes what is being read

  void queue(const std::vector<ReadRequest>& requests, Urgency urgency);

  // Makes a layer's queued prefetch requests demand requests.
  void promote(int layer);

  // Drops a layer's queued requests and returns how many; those being read still report.
  size_t drop(int layer);

  ReadTotals totals() const;

  // Threads that run.
  size_t size() const { return threads_.size(); }

 private:
  using Lock = std::unique_lock<std::mutex>;
  // A read that the ring has.
  struct Flight {
    ReadRequest request;
    double began;
  };
  void work();
  void work_ring(size_t depth);
  bool take(ReadRequest& request);
  bool begin(const ReadRequest& request, Flight& flight, uint64_t token);
  Result<size_t> read(const ReadRequest& request);
  bool pause(double ms);
  void report(const ReadRequest& request, double began, const Result<size_t>& got);

  const Done done_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<ReadRequest> demand_;
  std::deque<ReadRequest> prefetch_;
  ReadTotals totals_;
  bool stop_ = false;
  std::unique_ptr<ReadRing> ring_;  // null when threads read
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace hyperion
