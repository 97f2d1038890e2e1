// A tiny Llama-like network in memory, as a graph for the engine and as plain loops in double
// precision.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduling/graph.h"
#include "support/models.h"

namespace hyperion {

struct TinyLlamaShape {
  uint64_t vocab = 23;
  uint64_t width = 24;
  uint64_t hidden = 40;
  uint64_t layers = 3;
  uint64_t heads = 4;
  uint64_t kv_heads = 2;
  uint64_t context = 300;
  bool tied = false;
  std::optional<uint64_t> window = std::nullopt;
  bool biases = false;
  DType matrices = DType::f32;  // or a quantized type whose blocks fill the rows
};

struct TinyLlama {
  TinyLlamaShape shape;
  FakeModel fake;
  Graph graph;
};

TinyLlama make_tiny_llama(const TinyLlamaShape& shape);

// Logits of all rows, computed without any of the engine.
std::vector<double> naive_logits(const TinyLlama& network, const std::vector<int32_t>& ids);

}  // namespace hyperion
