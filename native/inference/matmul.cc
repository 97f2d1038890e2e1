// The matrix product, which takes nearly all of the time.

#include <algorithm>

#include "inference/matmul_tiles.h"
#include "inference/operations.h"

namespace hyperion {

Status Operations::compute(const MatMul& op, const Step& step) {
  const uint64_t in_width = graph_.buffers[op.in].width;
  const uint64_t out_width = graph_.buffers[op.out].width;
  const Matrix matrix = matrix_of(op, step);
  const auto multiply = op.transposed ? kernels_.matmul_transposed : kernels_.matmul;
  const float* x = row(op.in, step.first, step);
  float* y = row(op.out, step.first, step);

  const MatMulTiles tiles(out_width, in_width, step.count, work_.team.size());
  work_.team.run(tiles.row_tiles * tiles.token_tiles, [&](size_t tile) {
    if (work_.cancelled) return;
    const uint64_t begin = tile / tiles.token_tiles * tiles.rows;
    const uint64_t end = std::min(begin + tiles.rows, out_width);
    const uint64_t token = tile % tiles.token_tiles * tiles.tokens;
    const uint64_t tokens = std::min(tiles.tokens, step.count - token);
    float* out = y + token * out_width;
    multiply(matrix, x + token * in_width, in_width, tokens, out, out_width, begin, end);
    if (op.bias) add_bias(op, step, begin, end, tokens, out);
  });
  return {};
}

// The part of the weight whose results the operation makes.
Matrix Operations::matrix_of(const MatMul& op, const Step& step) const {
  const Tensor& weight = model_.tensors()[op.weight];
  const std::byte* data = step.weights->tensor(op.weight);
  const uint64_t columns = weight.shape[1];
  if (op.transposed) {
    return {data + bytes_of(weight.dtype, op.first), weight.dtype, weight.shape[0], columns};
  }
  return {data + op.first * bytes_of(weight.dtype, columns), weight.dtype,
          graph_.buffers[op.out].width, columns};
}

// Adds the bias to results [begin, end) of so many tokens at `out`.
void Operations::add_bias(const MatMul& op, const Step& step, uint64_t begin, uint64_t end,
                          uint64_t tokens, float* out) const {
  const DType dtype = model_.tensors()[*op.bias].dtype;
  const std::byte* bias = step.weights->tensor(*op.bias) + bytes_of(dtype, op.first + begin);
  const uint64_t width = graph_.buffers[op.out].width;
  for (uint64_t t = 0; t < tokens; ++t) {
    kernels_.add_bias(bias, dtype, end - begin, out + t * width + begin);
  }
}

}  // namespace hyperion
