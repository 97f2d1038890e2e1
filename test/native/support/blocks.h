// Random blocks of quantized types: every byte is drawn, but for scales, which are ordinary
// numbers.
#pragma once

#include <cstring>
#include <random>
#include <vector>

#include "compute/dtype.h"

namespace hyperion {

constexpr DType kQuantizedTypes[] = {DType::q4_0, DType::q4_1, DType::q5_0, DType::q5_1,
                                     DType::q8_0, DType::q2_k, DType::q3_k, DType::q4_k,
                                     DType::q5_k, DType::q6_k};

// Where a block has its 16-bit scales.
inline std::vector<size_t> scale_offsets(DType dtype) {
  switch (dtype) {
    case DType::q4_1:
    case DType::q5_1:
    case DType::q4_k:
    case DType::q5_k:
      return {0, 2};
    case DType::q2_k:
      return {80, 82};
    case DType::q3_k:
      return {108};
    case DType::q6_k:
      return {208};
    default:
      return {0};
  }
}

inline std::vector<std::byte> random_blocks(DType dtype, size_t count, std::mt19937& engine) {
  std::normal_distribution<float> scale(0, 0.001f);
  const size_t bytes = block_of(dtype).bytes;
  std::vector<std::byte> blocks(count * bytes);
  for (std::byte& byte : blocks) byte = static_cast<std::byte>(engine());
  for (size_t i = 0; i < count; ++i) {
    for (const size_t offset : scale_offsets(dtype)) {
      const uint16_t half = f32_to_f16(scale(engine));
      std::memcpy(blocks.data() + i * bytes + offset, &half, sizeof half);
    }
  }
  return blocks;
}

}  // namespace hyperion
