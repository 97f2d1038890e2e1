#include "base/crc32.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace hyperion {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// A bit at a time, as the definition says.
uint32_t slow_crc32(std::span<const std::byte> bytes) {
  uint32_t state = ~uint32_t{0};
  for (const std::byte byte : bytes) {
    state ^= static_cast<uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~state;
}

std::vector<std::byte> some_bytes(size_t count) {
  std::vector<std::byte> bytes(count);
  uint32_t value = 1;
  for (std::byte& byte : bytes) byte = static_cast<std::byte>((value = value * 1664525 + 7) >> 24);
  return bytes;
}

TEST(Crc32, IsWhatZlibComputes) {
  EXPECT_EQ(crc32({}), 0u);
  EXPECT_EQ(crc32(bytes_of("123456789")), 0xcbf43926u);
  EXPECT_EQ(crc32(bytes_of("The quick brown fox jumps over the lazy dog")), 0x414fa339u);
}

TEST(Crc32, IsTheSameForEveryLengthAndBeginning) {
  const std::vector<std::byte> bytes = some_bytes(600);
  for (size_t begin = 0; begin < 17; ++begin) {
    for (size_t length = 0; begin + length <= bytes.size(); length += length < 200 ? 1 : 37) {
      const auto part = std::span(bytes).subspan(begin, length);
      ASSERT_EQ(crc32(part), slow_crc32(part)) << length << " bytes from " << begin;
    }
  }
}

TEST(Crc32, OfPiecesIsThatOfTheWhole) {
  const std::vector<std::byte> bytes = some_bytes(10'000);
  const uint32_t whole = crc32(bytes);
  for (const size_t cut : {0, 1, 63, 64, 4096, 9'999, 10'000}) {
    const auto first = std::span(bytes).first(cut);
    const auto second = std::span(bytes).subspan(cut);
    EXPECT_EQ(crc32(second, crc32(first)), whole) << cut;
    EXPECT_EQ(crc32_combine(crc32(first), crc32(second), second.size()), whole) << cut;
  }
}

}  // namespace
}  // namespace hyperion
