// The float buffers that a chunk of tokens flows through, and the rotary angles of its positions.
#pragma once

#include <cstdint>
#include <span>

#include "memory/region.h"
#include "scheduling/layouts.h"

namespace hyperion {

class Activations {
 public:
  // REQUIRES: graph and memory outlive this.
  Activations(const Graph& graph, EngineMemory& memory)
      : graph_(graph), memory_(memory), layout_(graph, 0) {}

  // Makes room for exactly `rows` tokens. What the buffers held is lost when the number changes.
  Status resize(uint64_t rows);

  void free();
  uint64_t rows() const { return layout_.rows; }

  // First float of a token's row in a buffer.
  float* row(uint32_t buffer, uint64_t token);

  // Moves these rows of every buffer to the front. REQUIRES: they ascend.
  void keep(std::span<const uint64_t> kept);

  // Computes the cosines and sines of all rotary tables for the position of a token.
  // REQUIRES: token < rows.
  void turn_to(uint64_t token, uint64_t position);
  const float* cosines(uint32_t table, uint64_t token) const;
  const float* sines(uint32_t table, uint64_t token) const;

 private:
  float* floats() const { return reinterpret_cast<float*>(region_.data()); }

  const Graph& graph_;
  EngineMemory& memory_;
  ActivationLayout layout_;
  Region region_;
};

}  // namespace hyperion
