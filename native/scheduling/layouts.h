// How activations, KV cache and attention scratch lie in memory. The same layouts answer what a
// session will need and size what it allocates, so the two cannot disagree.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scheduling/graph.h"

namespace hyperion {

// Positions of one KV block.
inline constexpr uint64_t kBlockPositions = 64;

// KV blocks of one sequence.
uint64_t kv_blocks(uint64_t positions);

// The sequences that a session holds at one time.
struct Extent {
  // One of so many positions.
  Extent(uint64_t positions);
  explicit Extent(std::span<const uint64_t> lengths);

  uint64_t positions = 0;  // of all together
  uint64_t longest = 0;    // positions of the longest
  uint64_t blocks = 0;     // KV blocks of all together
};

// Offsets in floats into one region that holds `rows` tokens of every buffer, and their cosines and
// sines by rotary table. The result's buffer takes no room: it lies in the caller's array.
struct ActivationLayout {
  ActivationLayout(const Graph& graph, uint64_t rows);

  uint64_t rows;
  std::vector<uint64_t> buffers;
  std::vector<uint64_t> cosines;
  std::vector<uint64_t> sines;
  uint64_t bytes = 0;
};

// How a KV cache holds numbers: as they are, or for each position and KV head as a scale and signed
// bytes that it multiplies.
enum class KvType { f32, int8 };

// One block holds K and V of kBlockPositions positions for all cached layers.
struct KvLayout {
  KvLayout(const Graph& graph, KvType type);

  KvType type;
  uint64_t layers;
  uint64_t row_bytes;  // of K, or V, of a position

  uint64_t head_bytes(uint64_t head_dim) const;
  // A whole number of pages.
  uint64_t block_bytes() const;
  // Bytes from the start of a block to K, or V, of a layer; rows follow.
  uint64_t keys(uint64_t layer) const { return 2 * layer * kBlockPositions * row_bytes; }
  uint64_t values(uint64_t layer) const { return keys(layer) + kBlockPositions * row_bytes; }
};

// What attention works in: each thread's scores, and for each KV head the addresses of its blocks,
// those of a sequence side by side.
struct AttentionLayout {
  AttentionLayout(const Graph& graph, uint64_t threads, const Extent& extent);

  uint64_t scores_bytes;    // of one thread
  uint64_t pointers_bytes;  // of one KV head's keys, or values
  uint64_t pointers;        // bytes from the start to the first addresses
  uint64_t bytes;

  bool operator==(const AttentionLayout&) const = default;
};

}  // namespace hyperion
