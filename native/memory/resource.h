// What hands out blocks of memory and takes them back: strategies, pools, adaptors and pages all
// are memory resources, stacked over an upstream.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/status.h"

namespace hyperion {

inline constexpr uint64_t kDefaultAlignment = 16;
inline constexpr uint64_t kLargestAlignment = 2 * 1024 * 1024;
// Above this a size is a mistake: sums of sizes below it cannot overflow.
inline constexpr uint64_t kLargestBlock = 1ull << 53;

// How long a block will live, as far as its owner knows: a hint for where to put it.
enum class Lifetime : uint8_t { transient, lasting };

struct Request {
  uint64_t bytes;
  uint64_t alignment = kDefaultAlignment;
  uint16_t tag = 0;  // what the block is for; only statistics and traces look at it
  Lifetime lifetime = Lifetime::transient;
};

// What became of a block that was given back. Only resources that keep a record of each block can
// tell all of them apart; the others trust their caller.
enum class FreeResult : uint8_t { freed, freed_before, foreign };

// Bytes, at one moment. What the resource keeps its own records in is on the C++ heap and in none
// of these.
struct Usage {
  uint64_t reserved = 0;      // held from the upstream
  uint64_t active = 0;        // handed out, as rounded up by the resource; <= reserved
  uint64_t requested = 0;     // asked for by the live blocks; <= active
  uint64_t largest_free = 0;  // the largest block that could be handed out without the upstream
  uint64_t blocks = 0;        // live
};

// 1 - largest free block / all that is free, 0 to 1; 0 when nothing is free.
inline double external_fragmentation(const Usage& usage) {
  const uint64_t free = usage.reserved - usage.active;
  if (free == 0) return 0;
  const uint64_t largest = usage.largest_free < free ? usage.largest_free : free;
  return 1 - static_cast<double>(largest) / static_cast<double>(free);
}

// Not thread-safe unless it says so.
class MemoryResource {
 public:
  MemoryResource() = default;
  MemoryResource(const MemoryResource&) = delete;
  MemoryResource& operator=(const MemoryResource&) = delete;
  // Gives everything back to the upstream, blocks that are still live included.
  virtual ~MemoryResource() = default;

  // A block of at least request.bytes at request.alignment, its contents unspecified; null when
  // refused: nothing has changed then, and refusal() says why.
  // REQUIRES: 0 < bytes <= kLargestBlock; alignment is a power of two <= kLargestAlignment.
  virtual std::byte* allocate(const Request& request) = 0;

  // Takes a block back. REQUIRES (unless the resource keeps records): allocate() of this resource
  // gave the block for an equal request, and it was not freed since.
  virtual FreeResult free(std::byte* block, const Request& request) = 0;

  // Why allocate() refuses the request, or would: OVER_BUDGET, OUT_OF_MEMORY.
  virtual Status refusal(const Request& request) const = 0;

  virtual Usage usage() const = 0;

  // Gives the upstream back what holds no live block; returns how many bytes.
  virtual uint64_t trim() = 0;

  // Frees every block at once.
  virtual void reset() = 0;
};

}  // namespace hyperion
