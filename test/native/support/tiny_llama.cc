#include "support/tiny_llama.h"

#include <algorithm>
#include <cmath>

namespace hyperion {
namespace {

enum Buffer : uint32_t { x, n, q, k, v, a, gate, up, logits, buffer_count };

constexpr float kEps = 1e-5f;

uint64_t head_dim(const TinyLlamaShape& shape) {
  return shape.width / shape.heads;
}

using Vector = std::vector<double>;

// Looks tensors up by the names that make_tiny_llama gave them.
class Naive {
 public:
  explicit Naive(const TinyLlama& network) : network_(network), shape_(network.shape) {}

  Vector run(const std::vector<int32_t>& ids) const {
    std::vector<Vector> rows;
    for (const int32_t id : ids) {
      const std::vector<float>& table = values("embedding");
      const auto from =
          table.begin() + static_cast<ptrdiff_t>(static_cast<uint64_t>(id) * shape_.width);
      rows.emplace_back(from, from + static_cast<ptrdiff_t>(shape_.width));
    }
    for (uint64_t layer = 0; layer < shape_.layers; ++layer) run_layer(std::to_string(layer), rows);
    Vector result;
    for (const Vector& row : rows) {
      const Vector last = multiply(shape_.tied ? "embedding" : "output", normed(row, "norm"));
      result.insert(result.end(), last.begin(), last.end());
    }
    return result;
  }

 private:
  const std::vector<float>& values(const std::string& name) const {
    const std::vector<Tensor>& tensors = network_.fake.model->tensors();
    const auto found = std::find_if(tensors.begin(), tensors.end(),
                                    [&](const Tensor& tensor) { return tensor.name == name; });
    return network_.fake.values[static_cast<size_t>(found - tensors.begin())];
  }

  Vector normed(const Vector& row, const std::string& name) const {
    double sum = 0;
    for (const double value : row) sum += value * value;
    const double factor = 1 / std::sqrt(sum / static_cast<double>(row.size()) + double{kEps});
    Vector out;
    for (size_t i = 0; i < row.size(); ++i)
      out.push_back(row[i] * factor * double{values(name)[i]});
    return out;
  }

  Vector multiply(const std::string& name, const Vector& in) const {
    const std::vector<float>& matrix = values(name);
    Vector out(matrix.size() / in.size());
    for (size_t r = 0; r < out.size(); ++r) {
      for (size_t i = 0; i < in.size(); ++i) out[r] += double{matrix[r * in.size() + i]} * in[i];
    }
    return out;
  }

  void turn(Vector& row, size_t position) const {
    const size_t dim = head_dim(shape_);
    const size_t half = dim / 2;
    for (size_t head = 0; head < row.size() / dim; ++head) {
      for (size_t i = 0; i < half; ++i) {
        const double angle =
            static_cast<double>(position) * double{network_.graph.rotary[0].inverse_frequencies[i]};
        double& first = row[head * dim + i];
        double& second = row[head * dim + half + i];
        const double turned = first * std::cos(angle) - second * std::sin(angle);
        second = second * std::cos(angle) + first * std::sin(angle);
        first = turned;
      }
    }
  }

  void run_layer(const std::string& layer, std::vector<Vector>& rows) const {
    std::vector<Vector> queries, keys, heads_values;
    for (size_t t = 0; t < rows.size(); ++t) {
      const Vector in = normed(rows[t], "norm1." + layer);
      queries.push_back(multiply("q." + layer, in));
      keys.push_back(multiply("k." + layer, in));
      heads_values.push_back(multiply("v." + layer, in));
      for (size_t i = 0; shape_.biases && i < queries[t].size(); ++i) {
        queries[t][i] += double{values("qb." + layer)[i]};
      }
      turn(queries[t], t);
      turn(keys[t], t);
    }
    for (size_t t = 0; t < rows.size(); ++t) {
      const Vector out = multiply("o." + layer, attend(queries[t], keys, heads_values, t));
      for (size_t i = 0; i < out.size(); ++i) rows[t][i] += out[i];
      const Vector in = normed(rows[t], "norm2." + layer);
      Vector gates = multiply("gate." + layer, in);
      const Vector ups = multiply("up." + layer, in);
      for (size_t i = 0; i < gates.size(); ++i) gates[i] *= ups[i] / (1 + std::exp(-gates[i]));
      const Vector down = multiply("down." + layer, gates);
      for (size_t i = 0; i < down.size(); ++i) rows[t][i] += down[i];
    }
  }

  Vector attend(const Vector& query, const std::vector<Vector>& keys,
                const std::vector<Vector>& heads_values, size_t t) const {
    const size_t dim = head_dim(shape_);
    const size_t first = shape_.window && t + 1 > *shape_.window ? t + 1 - *shape_.window : 0;
    Vector out(query.size());
    for (size_t head = 0; head < shape_.heads; ++head) {
      const size_t kv = head / (shape_.heads / shape_.kv_heads) * dim;
      Vector weights;
      double total = 0;
      for (size_t p = first; p <= t; ++p) {
        double score = 0;
        for (size_t i = 0; i < dim; ++i) score += query[head * dim + i] * keys[p][kv + i];
        weights.push_back(std::exp(score / std::sqrt(static_cast<double>(dim))));
        total += weights.back();
      }
      for (size_t p = first; p <= t; ++p) {
        for (size_t i = 0; i < dim; ++i) {
          out[head * dim + i] += weights[p - first] / total * heads_values[p][kv + i];
        }
      }
    }
    return out;
  }

  const TinyLlama& network_;
  const TinyLlamaShape& shape_;
};

}  // namespace

TinyLlama make_tiny_llama(const TinyLlamaShape& shape) {
  const uint64_t kv_width = shape.kv_heads * head_dim(shape);
  const auto heads = static_cast<uint32_t>(shape.heads);
  const auto kv_heads = static_cast<uint32_t>(shape.kv_heads);
  const auto dim = static_cast<uint32_t>(head_dim(shape));
  ModelBuilder builder;
  builder.skip(100);
  const auto matrix = [&](const std::string& name, const std::vector<uint64_t>& extents) {
    return shape.matrices == DType::f32 ? builder.add(name, extents)
                                        : builder.add_blocks(name, extents, shape.matrices);
  };
  Graph graph;
  graph.vocab = shape.vocab;
  graph.context_length = shape.context;
  graph.kv_layers = shape.layers;
  graph.kv_width = kv_width;
  graph.result = logits;
  graph.rotary.resize(1);
  for (uint32_t i = 0; i < dim / 2; ++i) {
    graph.rotary[0].inverse_frequencies.push_back(
        1 / std::pow(100.0f, 2 * static_cast<float>(i) / static_cast<float>(dim)));
  }
  for (const uint64_t width : {shape.width, shape.width, shape.width, kv_width, kv_width,
                               shape.width, shape.hidden, shape.hidden, shape.vocab}) {
    graph.buffers.push_back({"buffer" + std::to_string(graph.buffers.size()), width});
  }
  const uint32_t table = matrix("embedding", {shape.vocab, shape.width});
  graph.layers.push_back({"embedding", {table}, false, {Embed{x, table}}});
  for (uint64_t i = 0; i < shape.layers; ++i) {
    const std::string at = "." + std::to_string(i);
    const uint32_t n1 = builder.add("norm1" + at, {shape.width});
    const uint32_t wq = matrix("q" + at, {shape.width, shape.width});
    const uint32_t wk = matrix("k" + at, {kv_width, shape.width});
    const uint32_t wv = matrix("v" + at, {kv_width, shape.width});
    const uint32_t wo = matrix("o" + at, {shape.width, shape.width});
    std::vector<uint32_t> held = {n1, wq, wk, wv, wo};
    MatMul queries = {n, q, wq, std::nullopt};
    if (shape.biases) {
      queries.bias = builder.add("qb" + at, {shape.width});
      held.push_back(*queries.bias);
    }
    graph.layers.push_back({"attention" + at,
                            held,
                            false,
                            {RmsNorm{x, n, n1, kEps}, queries, MatMul{n, k, wk, {}},
                             MatMul{n, v, wv, {}}, Rope{q, heads, dim}, Rope{k, kv_heads, dim},
                             Attention{q, k, v, a, static_cast<uint32_t>(i), heads, kv_heads, dim,
                                       1 / std::sqrt(static_cast<float>(dim)), shape.window},
                             MatMul{a, n, wo, {}}, Add{n, x}}});
    const uint32_t n2 = builder.add("norm2" + at, {shape.width});
    const uint32_t wg = matrix("gate" + at, {shape.hidden, shape.width});
    const uint32_t wu = matrix("up" + at, {shape.hidden, shape.width});
    const uint32_t wd = matrix("down" + at, {shape.width, shape.hidden});
    graph.layers.push_back({"feed_forward" + at,
                            {n2, wg, wu, wd},
                            false,
                            {RmsNorm{x, n, n2, kEps}, MatMul{n, gate, wg, {}},
                             MatMul{n, up, wu, {}}, Activate{gate, Activate::Function::silu},
                             Multiply{up, gate}, MatMul{gate, n, wd, {}}, Add{n, x}}});
  }
  const uint32_t norm = builder.add("norm", {shape.width});
  graph.layers.push_back({"norm", {norm}, true, {RmsNorm{x, n, norm, kEps}}});
  const uint32_t output = shape.tied ? table : matrix("output", {shape.vocab, shape.width});
  graph.layers.push_back({"output", {output}, true, {MatMul{n, logits, output, {}}}});
  return {shape, builder.build(), std::move(graph)};
}

std::vector<double> naive_logits(const TinyLlama& network, const std::vector<int32_t>& ids) {
  return Naive(network).run(ids);
}

}  // namespace hyperion
