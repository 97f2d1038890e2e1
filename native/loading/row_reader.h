// Single rows of a matrix that is not resident: an embedding table needs a few rows of a pass, not
// all of it.
#pragma once

#include <atomic>
#include <cstdint>

#include "loading/readers.h"
#include "memory/region.h"
#include "model/model.h"

namespace hyperion {

// Bytes of staging memory that any row of the matrix fits in, wherever it lies in the file.
uint64_t row_staging_bytes(const Tensor& matrix);

// One thread reads; statistics may be asked from any.
class RowReader {
 public:
  // REQUIRES: model and budget outlive the reader.
  RowReader(const Model& model, Access access, Budget& budget)
      : model_(model), access_(access), budget_(budget) {}

  // Reads row `row` of a matrix as floats. Its staging memory is charged on first use and kept.
  // OVER_BUDGET, IO, or CORRUPT when the file was cut short.
  // REQUIRES: the tensor has two dimensions and `row` is below the first; `out` takes a row.
  Status read(uint32_t tensor, uint64_t row, float* out);

  ReadTotals totals() const { return {bytes_, ms_}; }

 private:
  const Model& model_;
  const Access access_;
  Budget& budget_;
  Region staging_;
  std::atomic<uint64_t> bytes_ = 0;
  std::atomic<double> ms_ = 0;
};

}  // namespace hyperion
