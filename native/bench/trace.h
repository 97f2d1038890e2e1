// The mixed workload: 10,000 live blocks of 16 bytes to 64 KiB, sizes log-uniform, of which one at
// random is replaced by one of another size, again and again. Seeded: the same for every allocator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include "bench/loops.h"
#include "platform/process.h"

namespace hyperion::bench {

struct Trace {
  static constexpr size_t kLive = 10'000;

  explicit Trace(uint64_t operations);

  std::vector<uint32_t> first;  // sizes of the blocks that are live at the start
  std::vector<uint32_t> slots;  // what each operation replaces
  std::vector<uint32_t> sizes;  // by what
};

template <class Allocator>
class Replay {
 public:
  Replay(Allocator allocator, const Trace& trace)
      : allocator_(allocator), trace_(trace), sizes_(trace.first) {
    for (const uint32_t bytes : sizes_) {
      blocks_.push_back(allocator_.allocate(bytes));
      use_all(data_of(allocator_, blocks_.back()), bytes);
    }
    run(use_all);
  }
  ~Replay() {
    for (size_t i = 0; i < blocks_.size(); ++i) allocator_.free(blocks_[i], sizes_[i]);
  }
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // Every operation of the trace once, from what the last run left. One has gone before, in which
  // every byte was written: pages that come for the first time are no allocator's cost.
  void run() {
    run([](std::byte* block, uint64_t) { touch(block); });
  }

  // Resident bytes for each byte of the live blocks, all of which were written.
  // REQUIRES: `before` is the resident set before the replay was made; run() was not called.
  double resident_ratio(uint64_t before) const {
    const auto live = std::accumulate(sizes_.begin(), sizes_.end(), uint64_t{0});
    return (static_cast<double>(process_memory().resident) - static_cast<double>(before)) /
           static_cast<double>(live);
  }

 private:
  static void use_all(std::byte* block, uint64_t bytes) { std::memset(block, 1, bytes); }

  template <class Use>
  void run(const Use& use) {
    Allocator allocator = allocator_;
    for (size_t i = 0; i < trace_.slots.size(); ++i) {
      const uint32_t slot = trace_.slots[i];
      allocator.free(blocks_[slot], sizes_[slot]);
      sizes_[slot] = trace_.sizes[i];
      blocks_[slot] = allocator.allocate(sizes_[slot]);
      use(data_of(allocator, blocks_[slot]), sizes_[slot]);
    }
  }

  Allocator allocator_;
  const Trace& trace_;
  std::vector<uint32_t> sizes_;
  std::vector<BlockOf<Allocator>> blocks_;
};

}  // namespace hyperion::bench
