// The loops that allocators are compared by. An allocator here is anything with `allocate(bytes)`
// and `free(block, bytes)`; each block's first byte is written, as its owner would.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <type_traits>
#include <utility>

#include "bench/report.h"
#include "bench/timing.h"

namespace hyperion::bench {

inline constexpr uint64_t kLoopBytes = 64;

// Keeps the compiler from seeing that a block is freed unused, or from remembering across the loop.
inline void touch(std::byte* block) {
  asm volatile("" : "+r"(block) : : "memory");
  *static_cast<volatile std::byte*>(block) = std::byte{1};
}

// What an allocator knows a block by: its address, or a number.
template <class Allocator>
using BlockOf = decltype(std::declval<Allocator>().allocate(0));

// Where the block lies, which was allocated last.
template <class Allocator>
std::byte* data_of(const Allocator& allocator, BlockOf<Allocator> block) {
  if constexpr (std::is_pointer_v<BlockOf<Allocator>>) {
    return block;
  } else {
    return allocator.data(block);
  }
}

// A block, freed at once. The allocator comes by value, as everywhere in the loops: a handle that
// stays in a register.
template <class Allocator>
void free_at_once(Allocator allocator, uint64_t bytes, uint64_t operations) {
  for (uint64_t i = 0; i < operations; ++i) {
    const auto block = allocator.allocate(bytes);
    touch(data_of(allocator, block));
    allocator.free(block, bytes);
  }
}

// 1024 blocks, then all freed in an order that is shuffled, the same in each round. An operation is
// a block allocated and freed; whole rounds are done.
template <class Allocator>
class Batch {
 public:
  static constexpr size_t kLive = 1024;

  Batch(Allocator allocator, uint64_t bytes) : allocator_(allocator), bytes_(bytes) {
    for (size_t i = 0; i < kLive; ++i) order_[i] = static_cast<uint32_t>(i);
    std::shuffle(order_.begin(), order_.end(), std::mt19937(7));
  }

  void run(uint64_t operations) {
    for (uint64_t done = 0; done < operations; done += kLive) {
      allocate_all();
      free_all();
    }
  }

 private:
  // Not inlined, so that either loop has the registers to itself.
  [[gnu::noinline]] void allocate_all() {
    Allocator allocator = allocator_;
    for (auto& block : blocks_) {
      block = allocator.allocate(bytes_);
      touch(data_of(allocator, block));
    }
  }
  [[gnu::noinline]] void free_all() {
    Allocator allocator = allocator_;
    for (const uint32_t index : order_) allocator.free(blocks_[index], bytes_);
  }

  const Allocator allocator_;
  const uint64_t bytes_;
  std::array<uint32_t, kLive> order_;
  std::array<BlockOf<Allocator>, kLive> blocks_;
};

// Both, as `lifo` and `batch`, with blocks of 64 bytes.
template <class Allocator>
void measure_loops(const char* subject, Allocator allocator, const Options& options,
                   Report& report) {
  report.add(subject, "lifo", measure(options, [=](uint64_t operations) {
               free_at_once(allocator, kLoopBytes, operations);
             }));
  Batch<Allocator> batch(allocator, kLoopBytes);
  report.add(subject, "batch",
             measure(options, [&](uint64_t operations) { batch.run(operations); }));
}

}  // namespace hyperion::bench
