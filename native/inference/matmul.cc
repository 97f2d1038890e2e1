// The matrix product, which takes nearly all of the time.

#include <algorithm>

#include "inference/matmul_tiles.h"
#include "inference/operations.h"

namespace hyperion {

Status Operations::compute(const MatMul& op, const Step& step) {
  const Tensor& weight = model_.tensors()[op.weight];
  const Matrix matrix = {step.weights->tensor(op.weight), weight.dtype, weight.shape[0],
                         weight.shape[1]};
  const std::byte* bias = op.bias ? step.weights->tensor(*op.bias) : nullptr;
  const DType bias_dtype = op.bias ? model_.tensors()[*op.bias].dtype : DType::f32;
  const float* x = work_.activations.row(op.in, step.first);
  float* y = output_row(op.out, step);

  const MatMulTiles tiles(matrix.rows, matrix.cols, step.count, work_.team.size());
  work_.team.run(tiles.row_tiles * tiles.token_tiles, [&](size_t tile) {
    if (work_.cancelled) return;
    const uint64_t row = tile / tiles.token_tiles * tiles.rows;
    const uint64_t row_end = std::min(row + tiles.rows, matrix.rows);
    const uint64_t token = tile % tiles.token_tiles * tiles.tokens;
    const uint64_t tokens = std::min(tiles.tokens, step.count - token);
    float* out = y + token * matrix.rows;
    kernels_.matmul(matrix, x + token * matrix.cols, matrix.cols, tokens, out, matrix.rows, row,
                    row_end);
    for (uint64_t t = 0; bias != nullptr && t < tokens; ++t) {
      kernels_.add_bias(bias + bytes_of(bias_dtype, row), bias_dtype, row_end - row,
                        out + t * matrix.rows + row);
    }
  });
  return {};
}

}  // namespace hyperion
