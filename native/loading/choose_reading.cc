#include "loading/choose_reading.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <vector>

#include "loading/readers.h"
#include "platform/clock.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

constexpr uint64_t kMeasuredBytes = 32 << 20;  // each way
constexpr double kMeasuredMs = 15;             // after which no more reads are begun
constexpr size_t kMostAtOnce = 4;

// How much faster than threads that read directly a ring has to be.
constexpr double kRingMargin = 1.1;

// A disk that threads bring no more from is the limit itself, whatever the way.
constexpr double kSlowBytesPerSecond = 400e6;

// Reads one way for a while, each request into a place of its own, to be forgotten.
class Measurement {
 public:
  Measurement(File& file, Access access, size_t at_once, std::byte* memory)
      : file_(file),
        memory_(memory),
        at_once_(at_once),
        readers_(
            at_once, [this](int place, const Status& status) { on_read(place, status); }, access) {}

  // Bytes per second; 0 when a read failed.
  double run(uint64_t from) {
    file_.drop_cache(from, kMeasuredBytes);
    const double began = now_ms();
    std::unique_lock lock(mutex_);
    next_ = from;
    end_ = from + kMeasuredBytes;
    deadline_ = began + kMeasuredMs;
    if (readers_.size() == 0) return 0;
    for (size_t i = 0; i < at_once_; ++i) begin(static_cast<int>(i));
    changed_.wait(lock, [&] { return under_way_ == 0; });
    if (failed_) return 0;
    return static_cast<double>(next_ - from) / std::max(now_ms() - began, 1e-3) * 1e3;
  }

 private:
  void begin(int place) {
    if (failed_ || next_ == end_ || now_ms() > deadline_) return;
    std::byte* const into = memory_ + static_cast<uint64_t>(place) * kMaxReadBytes;
    readers_.queue({{&file_, next_, into, kMaxReadBytes, kMaxReadBytes, place}}, Urgency::demand);
    next_ += kMaxReadBytes;
    ++under_way_;
  }

  void on_read(int place, const Status& status) {
    const std::lock_guard lock(mutex_);
    --under_way_;
    failed_ = failed_ || !status.ok();
    begin(place);
    if (under_way_ == 0) changed_.notify_all();
  }

  File& file_;
  std::byte* const memory_;
  const size_t at_once_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t next_ = 0;
  uint64_t end_ = 0;
  double deadline_ = 0;
  size_t under_way_ = 0;
  bool failed_ = false;
  Readers readers_;  // last: its threads call on_read() until it is gone
};

// REQUIRES: the model has files.
uint64_t largest_file(const Model& model) {
  uint64_t largest = 0;
  const auto size = [&](uint64_t file) { return model.file(file, Access::buffered).size(); };
  for (uint64_t i = 1; i < model.files(); ++i) {
    if (size(i) > size(largest)) largest = i;
  }
  return largest;
}

// What goes through the page cache is not tried where direct reads work: the cache's pages count
// against a control group's limit.
Reading measure(const Model& model, uint64_t file, size_t at_once) {
  at_once = std::clamp<size_t>(at_once, 1, kMostAtOnce);
  const Access plain = first_access(model, Io::automatic);
  const Result<PageRegion> memory = PageRegion::map(at_once * kMaxReadBytes);
  if (!memory.ok()) return {plain, 0};
  // Each way reads what none has read before, which a cache beneath the file might hold.
  const auto speed_of = [&](Access access, uint64_t from) {
    Measurement measurement(model.file(file, access), access, at_once, memory.value().data());
    return measurement.run(from);
  };
  const double speed = speed_of(plain, 0);
  if (speed < kSlowBytesPerSecond || !check_access(model, Access::uring).ok())
    return {plain, speed};
  const double ring_speed = speed_of(Access::uring, kMeasuredBytes);
  if (ring_speed > kRingMargin * speed) return {Access::uring, ring_speed};
  return {plain, speed};
}

}  // namespace

Access first_access(const Model& model, Io io) {
  switch (io) {
    case Io::direct:
      return Access::direct;
    case Io::uring:
      return Access::uring;
    case Io::buffered:
      return Access::buffered;
    case Io::mapped:
      return Access::mapped;
    case Io::automatic:
      break;
  }
  return model.has_direct() ? Access::direct : Access::buffered;
}

Status check_access(const Model& model, Access access) {
  const bool past_the_cache = access == Access::direct || access == Access::uring;
  if (past_the_cache && !model.has_direct()) {
    return Status(Code::unsupported, "the model's file system refuses direct reads");
  }
  return access == Access::uring ? ReadRing::create(1).status() : Status();
}

Reading choose_reading(const Model& model, size_t at_once) {
  const Access plain = first_access(model, Io::automatic);
  if (model.files() == 0) return {plain, 0};
  const uint64_t index = largest_file(model);
  const File& file = model.file(index, Access::buffered);
  if (file.size() < 2 * kMeasuredBytes) return {plain, 0};

  static std::mutex mutex;
  static std::map<uint64_t, Reading> by_device;
  const std::lock_guard lock(mutex);
  auto known = by_device.find(file.device());
  // Single files may refuse direct reads where others of the device take them.
  if (known == by_device.end() || !check_access(model, known->second.access).ok()) {
    known = by_device.insert_or_assign(file.device(), measure(model, index, at_once)).first;
  }
  return known->second;
}

}  // namespace hyperion
