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

// How much faster than the ways before it one has to be.
struct Way {
  Access access;
  double margin;
};
constexpr Way kWays[] = {{Access::direct, 1}, {Access::uring, 1.1}, {Access::buffered, 1.3}};

// A disk that direct reads bring no more from is the limit itself, whatever the way.
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

Reading measure(const Model& model, uint64_t file, size_t at_once) {
  at_once = std::clamp<size_t>(at_once, 1, kMostAtOnce);
  const Result<PageRegion> memory = PageRegion::map(at_once * kMaxReadBytes);
  Reading best = {model.has_direct() ? Access::direct : Access::buffered, 0};
  if (!memory.ok()) return best;
  // Each way reads what none has read before, which a cache beneath the file might hold.
  uint64_t from = 0;
  for (const Way& way : kWays) {
    if (!check_access(model, way.access).ok()) continue;
    Measurement measurement(model.file(file, way.access), way.access, at_once,
                            memory.value().data());
    const double speed = measurement.run(from);
    if (speed > best.bytes_per_second * way.margin) best = {way.access, speed};
    if (best.bytes_per_second < kSlowBytesPerSecond) break;
    from += kMeasuredBytes;
  }
  return best;
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
  const Access plain = model.has_direct() ? Access::direct : Access::buffered;
  if (model.files() == 0) return {plain, 0};
  const uint64_t index = largest_file(model);
  const File& file = model.file(index, Access::buffered);
  if (file.size() < std::size(kWays) * kMeasuredBytes) return {plain, 0};

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
