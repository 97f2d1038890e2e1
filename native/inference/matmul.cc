// The matrix product, which takes nearly all of the time.

#include <algorithm>

#include "inference/matmul_tiles.h"
#include "inference/operations.h"

namespace hyperion {

Status Operations::compute(const MatMul& op, const Step& step) {
  const Tensor& weight = model_.tensors()[op.weight];
  const std::byte* data = step.weights->piece(op.weight);
  const uint64_t columns = weight.shape[1];
  if (op.transposed) {
    data += bytes_of(weight.dtype, op.first);
    multiply(op, step, {{data, weight.dtype, weight.shape[0], columns}, 0});
  } else {
    data += op.first * bytes_of(weight.dtype, columns);
    multiply(op, step, {{data, weight.dtype, graph_.buffers[op.out].width, columns}, 0});
  }
  return {};
}

Status Operations::run_rows(const MatMul& op, const Step& step, const PartPin& part,
                            const Task& task) {
  const Tensor& weight = model_.tensors()[op.weight];
  const std::byte* data = part.piece(op.weight) + task.place;
  const uint64_t rows = task.end - task.begin;
  multiply(op, step, {{data, weight.dtype, rows, weight.shape[1]}, task.begin});
  return unless_cancelled();
}

void Operations::multiply(const MatMul& op, const Step& step, const Product& product) {
  const uint64_t in_width = graph_.buffers[op.in].width;
  const uint64_t out_width = graph_.buffers[op.out].width;
  const uint64_t rows = op.transposed ? out_width : product.matrix.rows;
  const auto kernel = op.transposed ? kernels_.matmul_transposed : kernels_.matmul;
  const float* x = row(op.in, 0, step);
  float* y = row(op.out, 0, step) + product.begin;

  const MatMulTiles tiles(rows, in_width, step.count, work_.team.size());
  work_.team.run(tiles.row_tiles * tiles.token_tiles, [&](size_t tile) {
    if (work_.cancelled) return;
    const uint64_t begin = tile / tiles.token_tiles * tiles.rows;
    const uint64_t end = std::min(begin + tiles.rows, rows);
    const uint64_t token = tile % tiles.token_tiles * tiles.tokens;
    const uint64_t tokens = std::min(tiles.tokens, step.count - token);
    float* out = y + token * out_width;
    kernel(product.matrix, x + token * in_width, in_width, tokens, out, out_width, begin, end);
    if (op.bias)
      add_bias(op, step, product.begin + begin, product.begin + end, tokens, out + begin);
  });
}

// Adds the bias of results [begin, end) of so many tokens, the first of which are at `out`.
void Operations::add_bias(const MatMul& op, const Step& step, uint64_t begin, uint64_t end,
                          uint64_t tokens, float* out) const {
  const DType dtype = model_.tensors()[*op.bias].dtype;
  const std::byte* bias = step.weights->piece(*op.bias) + bytes_of(dtype, op.first + begin);
  const uint64_t width = graph_.buffers[op.out].width;
  for (uint64_t t = 0; t < tokens; ++t) {
    kernels_.add_bias(bias, dtype, end - begin, out + t * width);
  }
}

}  // namespace hyperion
