// The threads that read weights: a queue in two classes, demand before prefetch, of requests small
// enough that a cancelled load stops soon.
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
  double ms = 0;       // summed over the threads
};

// Thread-safe.
class Readers {
 public:
  // Reports one request of `layer` on a reader thread, with no lock of the readers held.
  using Done = std::function<void(int layer, const Status& status)>;

  // Where the operating system refuses threads there are fewer, see size().
  Readers(size_t threads, Done done);
  ~Readers();  // drops what is queued, finishes what is being read

  void queue(const std::vector<ReadRequest>& requests, Urgency urgency);

  // Makes a layer's queued prefetch requests demand requests.
  void promote(int layer);

  // Drops a layer's queued requests and returns how many; those being read still report.
  size_t drop(int layer);

  ReadTotals totals() const;

  size_t size() const { return threads_.size(); }

 private:
  void work();
  static Result<size_t> read(const ReadRequest& request);

  const Done done_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<ReadRequest> demand_;
  std::deque<ReadRequest> prefetch_;
  ReadTotals totals_;
  bool stop_ = false;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace hyperion
