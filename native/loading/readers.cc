#include "loading/readers.h"

#include <chrono>
#include <numeric>

#include "model/model.h"
#include "platform/clock.h"

namespace hyperion {

Readers::Readers(size_t at_once, Done done, Access access) : done_(std::move(done)) {
  if (access == Access::uring) {
    Result<std::unique_ptr<ReadRing>> ring = ReadRing::create(at_once);
    if (ring.ok()) ring_ = std::move(ring.value());
  }
  for (size_t i = 0; i < (ring_ == nullptr ? at_once : 1); ++i) {
    auto thread = Thread::start("hyp-reader", [this, at_once] {
      ring_ == nullptr ? work() : work_ring(at_once);
    });
    if (thread != nullptr) threads_.push_back(std::move(thread));
  }
}

Readers::~Readers() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    demand_.clear();
    prefetch_.clear();
  }
  wake_.notify_all();
  if (ring_ != nullptr) ring_->wake();
  threads_.clear();
}

void Readers::queue(const std::vector<ReadRequest>& requests, Urgency urgency) {
  {
    const std::lock_guard lock(mutex_);
    std::deque<ReadRequest>& queue = urgency == Urgency::demand ? demand_ : prefetch_;
    queue.insert(queue.end(), requests.begin(), requests.end());
  }
  wake_.notify_all();
  if (ring_ != nullptr) ring_->wake();
}

void Readers::promote(int layer) {
  const std::lock_guard lock(mutex_);
  for (const ReadRequest& request : prefetch_) {
    if (request.layer == layer) demand_.push_back(request);
  }
  std::erase_if(prefetch_, [&](const ReadRequest& request) { return request.layer == layer; });
}

size_t Readers::drop(int layer) {
  const std::lock_guard lock(mutex_);
  const auto of_layer = [&](const ReadRequest& request) { return request.layer == layer; };
  return std::erase_if(demand_, of_layer) + std::erase_if(prefetch_, of_layer);
}

ReadTotals Readers::totals() const {
  const std::lock_guard lock(mutex_);
  return totals_;
}

void Readers::work() {
  for (;;) {
    ReadRequest request;
    {
      Lock lock(mutex_);
      wake_.wait(lock, [&] { return stop_ || !demand_.empty() || !prefetch_.empty(); });
      if (stop_) return;
      take(request);
    }
    const double began = now_ms();
    report(request, began, read(request));
  }
}

// The ring carries out what goes as it should; a read that fails or comes short is done over by
// this thread, with all its patience.
void Readers::work_ring(size_t depth) {
  std::vector<Flight> flights(depth);
  std::vector<uint64_t> free(depth);
  std::iota(free.begin(), free.end(), uint64_t{0});
  for (;;) {
    ReadRequest request;
    while (!free.empty()) {
      {
        const Lock lock(mutex_);
        if (!take(request)) break;
      }
      if (begin(request, flights[free.back()], free.back())) free.pop_back();
    }
    {
      const Lock lock(mutex_);
      if (stop_ && free.size() == depth) return;
    }
    const std::optional<ReadRing::Ended> ended = ring_->wait();
    if (!ended) continue;
    const Flight& flight = flights[ended->token];
    const bool whole = ended->bytes >= static_cast<int64_t>(flight.request.required);
    report(flight.request, flight.began,
           whole ? Result(static_cast<size_t>(ended->bytes)) : read(flight.request));
    free.push_back(ended->token);
  }
}

// The next request. False when there is none. REQUIRES: the lock is held.
bool Readers::take(ReadRequest& request) {
  std::deque<ReadRequest>& queue = demand_.empty() ? prefetch_ : demand_;
  if (queue.empty()) return false;
  request = queue.front();
  queue.pop_front();
  return true;
}

// Gives a request to the ring. One that a ring cannot take is read at once, and false.
bool Readers::begin(const ReadRequest& request, Flight& flight, uint64_t token) {
  File& file = *request.file;
  flight = {request, now_ms()};
  if (file.direct() && file.descriptor() >= 0) {
    ring_->begin(file.descriptor(), request.offset, {request.into, request.bytes}, token);
    return true;
  }
  report(request, flight.began, read(request));
  return false;
}

Result<size_t> Readers::read(const ReadRequest& request) {
  File& file = *request.file;
  // What the cache reads ahead by itself would stay there, beside the budget.
  if (!file.direct()) file.stop_readahead();
  const Result<size_t> got = read_fully(file, request.offset, {request.into, request.bytes},
                                        [this](double ms) { return pause(ms); });
  if (!got.ok()) return got;
  if (got.value() < request.required) {
    return cut_short(file, request.offset, request.required, got.value());
  }
  if (!file.direct()) file.drop_cache(request.offset, request.bytes);
  return got;
}

// False when the readers end meanwhile.
bool Readers::pause(double ms) {
  Lock lock(mutex_);
  return !wake_.wait_for(lock, std::chrono::duration<double, std::milli>(ms),
                         [&] { return stop_; });
}

void Readers::report(const ReadRequest& request, double began, const Result<size_t>& got) {
  {
    const std::lock_guard lock(mutex_);
    totals_.ms += now_ms() - began;
    if (got.ok()) totals_.bytes += got.value();
  }
  done_(request.layer, got.status());
}

}  // namespace hyperion
