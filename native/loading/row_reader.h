// Single rows of a matrix that is not resident: an embedding table needs a few rows of a pass, not
// all of it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>

#include "loading/readers.h"
#include "memory/region.h"
#include "model/model.h"

namespace hyperion {

// Bytes of staging memory that rows of the matrix are read into by so many threads.
uint64_t row_staging_bytes(const Tensor& matrix, size_t threads);

// One thread reads; totals may be asked from any. It has threads of its own, so that rows do not
// wait behind whole layers.
class RowReader {
 public:
  // `cancelled`, when set, ends the wait for the disk once interrupt() is called.
  // REQUIRES: model, memory and `cancelled` outlive the reader.
  RowReader(const Model& model, Access access, size_t threads, EngineMemory& memory,
            const std::atomic<bool>& cancelled);

  // Makes room for rows of the matrix on their way; it is kept. read() does so when it was not done
  // before. OVER_BUDGET, OUT_OF_MEMORY, CANCELLED.
  Status make_staging(uint32_t tensor);

  // Reads rows `ids` of a matrix as floats, one after another into `out`. OVER_BUDGET, IO,
  // CANCELLED, or CORRUPT when the file was cut short. REQUIRES: the tensor has two dimensions and
  // each id is below the first; `out` takes the rows.
  Status read(uint32_t tensor, std::span<const int32_t> ids, float* out);

  // Wakes a read() to look at `cancelled`.
  void interrupt();

  ReadTotals totals() const { return readers_.totals(); }

  // How long read() has waited for the disk.
  double wait_ms() const { return wait_ms_; }

  size_t threads() const { return readers_.size(); }

 private:
  using Lock = std::unique_lock<std::mutex>;
  Status await_staging(Lock& lock, const Tensor& matrix);
  Status read_wave(Lock& lock, const Tensor& matrix, std::span<const int32_t> ids, float* out);
  bool wait(Lock& lock);
  void on_read(const Status& status);

  const Model& model_;
  const Access access_;
  const size_t slots_;
  EngineMemory& memory_;
  const std::atomic<bool>& cancelled_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Region staging_;
  size_t pending_ = 0;  // rows queued or being read
  Status failure_;
  std::atomic<double> wait_ms_ = 0;
  Readers readers_;  // last: its threads call on_read() until it is gone
};

}  // namespace hyperion
