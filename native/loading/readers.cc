#include "loading/readers.h"

#include "model/model.h"
#include "platform/clock.h"

namespace hyperion {

Readers::Readers(size_t threads, Done done) : done_(std::move(done)) {
  for (size_t i = 0; i < threads; ++i) {
    auto thread = Thread::start("hyp-reader", [this] { work(); });
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
  threads_.clear();
}

void Readers::queue(const std::vector<ReadRequest>& requests, Urgency urgency) {
  {
    const std::lock_guard lock(mutex_);
    std::deque<ReadRequest>& queue = urgency == Urgency::demand ? demand_ : prefetch_;
    queue.insert(queue.end(), requests.begin(), requests.end());
  }
  wake_.notify_all();
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
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stop_ || !demand_.empty() || !prefetch_.empty(); });
    if (stop_) return;
    std::deque<ReadRequest>& queue = demand_.empty() ? prefetch_ : demand_;
    const ReadRequest request = queue.front();
    queue.pop_front();
    lock.unlock();

    const double begin = now_ms();
    const Result<size_t> got = read(request);
    const double ms = now_ms() - begin;

    lock.lock();
    totals_.ms += ms;
    if (got.ok()) totals_.bytes += got.value();
    lock.unlock();
    done_(request.layer, got.status());
    lock.lock();
  }
}

Result<size_t> Readers::read(const ReadRequest& request) {
  File& file = *request.file;
  const Result<size_t> got = read_fully(file, request.offset, {request.into, request.bytes});
  if (!got.ok()) {
    return Status(got.status().code(),
                  got.status().message() + " (at offset " + std::to_string(request.offset) + ")",
                  {{"offset", static_cast<double>(request.offset)}});
  }
  if (got.value() < request.required) {
    return cut_short(file, request.offset, request.required, got.value());
  }
  if (!file.direct()) file.drop_cache(request.offset, request.bytes);
  return got;
}

}  // namespace hyperion
