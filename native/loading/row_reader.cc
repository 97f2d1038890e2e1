#include "loading/row_reader.h"

#include <algorithm>

#include "base/checked.h"
#include "compute/kernels.h"
#include "platform/clock.h"

namespace hyperion {
namespace {

// Rows that are read at one time, for each thread.
constexpr size_t kSlotsPerThread = 4;

// What readers call a layer: rows are dropped together.
constexpr int kRows = 0;

uint64_t row_bytes(const Tensor& matrix) {
  return bytes_of(matrix.dtype, matrix.shape[1]);
}

// Room for one row wherever it lies in the file.
uint64_t slot_bytes(const Tensor& matrix) {
  return round_up(row_bytes(matrix), kDirectAlignment) + kDirectAlignment;
}

}  // namespace

uint64_t row_staging_bytes(const Tensor& matrix, size_t threads) {
  return round_up(kSlotsPerThread * threads * slot_bytes(matrix), kPageSize);
}

RowReader::RowReader(const Model& model, Access access, size_t threads, EngineMemory& memory,
                     const std::atomic<bool>& cancelled)
    : model_(model),
      access_(access),
      slots_(kSlotsPerThread * threads),
      memory_(memory),
      cancelled_(cancelled),
      readers_(threads, [this](int, const Status& status) { on_read(status); }) {}

Status RowReader::make_staging(uint32_t tensor) {
  Lock lock(mutex_);
  return await_staging(lock, model_.tensors()[tensor]);
}

Status RowReader::read(uint32_t tensor, std::span<const int32_t> ids, float* out) {
  const Tensor& matrix = model_.tensors()[tensor];
  Lock lock(mutex_);
  if (Status status = await_staging(lock, matrix); !status.ok()) return status;
  for (size_t done = 0; done < ids.size(); done += slots_) {
    const size_t count = std::min(slots_, ids.size() - done);
    Status status = read_wave(lock, matrix, ids.subspan(done, count), out + done * matrix.shape[1]);
    if (!status.ok()) return status;
  }
  return {};
}

void RowReader::interrupt() {
  // The lock orders this after the waiter's look at its flag.
  {
    const std::lock_guard lock(mutex_);
  }
  changed_.notify_all();
}

// Reads of a wave that was cancelled may still be writing to the staging memory.
Status RowReader::await_staging(Lock& lock, const Tensor& matrix) {
  if (!wait(lock)) return Status(Code::cancelled, "the pass was cancelled");
  const uint64_t bytes = slots_ * slot_bytes(matrix);
  if (staging_.size() >= bytes) return {};
  staging_.free();
  Result<Region> region = Region::allocate(memory_, Tag::staging, bytes);
  if (!region.ok()) return region.status();
  staging_ = std::move(region.value());
  return {};
}

Status RowReader::read_wave(Lock& lock, const Tensor& matrix, std::span<const int32_t> ids,
                            float* out) {
  File& file = model_.file(matrix.file, access_);
  const auto begin = [&](size_t i) {
    return matrix.offset + static_cast<uint64_t>(ids[i]) * row_bytes(matrix);
  };
  const auto slot = [&](size_t i) { return staging_.data() + i * slot_bytes(matrix); };
  std::vector<ReadRequest> requests;
  for (size_t i = 0; i < ids.size(); ++i) {
    const uint64_t end = begin(i) + row_bytes(matrix);
    const uint64_t from = round_down(begin(i), kDirectAlignment);
    requests.push_back(
        {&file, from, slot(i), round_up(end, kDirectAlignment) - from, end - from, kRows});
  }
  failure_ = {};
  pending_ = requests.size();
  readers_.queue(requests, Urgency::demand);
  if (!wait(lock)) {
    pending_ -= readers_.drop(kRows);
    return Status(Code::cancelled, "the pass was cancelled");
  }
  if (!failure_.ok()) return failure_;
  for (size_t i = 0; i < ids.size(); ++i) {
    kernels().to_f32(slot(i) + begin(i) % kDirectAlignment, matrix.dtype, matrix.shape[1],
                     out + i * matrix.shape[1]);
  }
  return {};
}

// Waits until nothing is pending; false when cancelled before.
bool RowReader::wait(Lock& lock) {
  const double begin = now_ms();
  changed_.wait(lock, [&] { return pending_ == 0 || cancelled_; });
  wait_ms_ = wait_ms_ + (now_ms() - begin);
  return pending_ == 0;
}

void RowReader::on_read(const Status& status) {
  {
    const std::lock_guard lock(mutex_);
    --pending_;
    if (!status.ok() && failure_.ok()) failure_ = status;
  }
  changed_.notify_all();
}

}  // namespace hyperion
