#include "loading/row_reader.h"

#include "base/checked.h"
#include "compute/kernels.h"
#include "platform/clock.h"

namespace hyperion {
namespace {

uint64_t row_bytes(const Tensor& matrix) {
  return matrix.shape[1] * dtype_size(matrix.dtype);
}

}  // namespace

uint64_t row_staging_bytes(const Tensor& matrix) {
  return round_up(row_bytes(matrix), kDirectAlignment) + kDirectAlignment;
}

Status RowReader::read(uint32_t index, uint64_t row, float* out) {
  const Tensor& tensor = model_.tensors()[index];
  if (staging_.size() < row_staging_bytes(tensor)) {
    staging_.free();
    Result<Region> region = Region::allocate(budget_, Tag::staging, row_staging_bytes(tensor));
    if (!region.ok()) return region.status();
    staging_ = std::move(region.value());
  }
  const uint64_t begin = tensor.offset + row * row_bytes(tensor);
  const uint64_t end = begin + row_bytes(tensor);
  const uint64_t from = round_down(begin, kDirectAlignment);
  File& file = model_.file(tensor.file, access_);
  const double started = now_ms();
  const Result<size_t> got =
      read_fully(file, from, {staging_.data(), round_up(end, kDirectAlignment) - from});
  ms_ = ms_ + (now_ms() - started);
  if (!got.ok()) return got.status();
  if (got.value() < end - from) return cut_short(file, from, end - from, got.value());
  bytes_ += got.value();
  kernels().to_f32(staging_.data() + (begin - from), tensor.dtype, tensor.shape[1], out);
  return {};
}

}  // namespace hyperion
