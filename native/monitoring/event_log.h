// What happened when: a ring of fixed size that keeps the newest events and counts those it lost.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "monitoring/tag.h"

namespace hyperion {

// The numbers are the API's (`EVENT_KINDS` in src/native.ts).
enum class EventKind {
  read_begin = 0,     // a layer's reads are queued
  loaded = 1,         // a layer is resident
  evict = 2,          // a layer's bytes are given up
  compute_begin = 3,  // a layer starts to compute
  compute_end = 4,
  memory = 5,  // bytes other than weights were handed out or came back
  pass_begin = 6,
  pass_end = 7,
  stall_begin = 8,  // compute waits for a layer
  stall_end = 9,
  dropped = 10,  // a load ends without its bytes: given up, failed or cancelled
};

inline constexpr int kNoLayer = -1;

struct Event {
  double time_ms;  // clock of platform/clock.h
  EventKind kind;
  int layer;  // index in the graph, or kNoLayer
  uint64_t bytes;
  std::array<uint64_t, kTagCount> by_tag;  // the session's counters at that time
  uint64_t peak;
  uint64_t reserved;
};

// Thread-safe. Does nothing until it is given storage.
class EventLog {
 public:
  // Starts an empty ring in `storage`, which must stay alive until stop().
  // REQUIRES: storage is not empty.
  void start(std::span<Event> storage);

  // Forgets undrained events; the storage is no longer touched when this returns.
  void stop();

  bool running() const { return running_.load(std::memory_order_relaxed); }
  void record(const Event& event);

  // Takes all events, oldest first; `lost` is how many were overwritten since the last drain.
  struct Drained {
    std::vector<Event> events;
    uint64_t lost = 0;
  };
  Drained drain();

 private:
  std::mutex mutex_;
  std::atomic<bool> running_ = false;
  std::span<Event> ring_;
  uint64_t first_ = 0;  // events are numbered; ring_[number % size] holds it
  uint64_t next_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace hyperion
