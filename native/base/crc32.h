// CRC-32 as zlib, gzip and PNG compute it, over bytes that come in pieces and in any order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hyperion {

// The checksum of what `before` is the checksum of, followed by `bytes`. Nothing has checksum 0.
uint32_t crc32(std::span<const std::byte> bytes, uint32_t before = 0);

// The checksum of two pieces one after another: of the first, of the second, and how many bytes the
// second has.
uint32_t crc32_combine(uint32_t first, uint32_t second, uint64_t second_bytes);

}  // namespace hyperion
