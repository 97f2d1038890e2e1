// Blocks of the size classes over runs: small ones share a slab, which is a run cut into equal
// blocks, larger ones are a run each. Exact and compact; what makes it fast is the cache in front
// of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "memory/run_heap.h"
#include "memory/size_classes.h"

namespace hyperion {

// Not thread-safe. `index` is always that of a size class.
class BlockHeap {
 public:
  // REQUIRES: upstream outlives the heap.
  explicit BlockHeap(MemoryResource& upstream) : runs_(upstream) {}

  // Up to `count` blocks out of what is reserved, fewer when the slab at hand has fewer; returns
  // how many. REQUIRES: count > 0.
  uint32_t take(uint32_t index, std::byte** blocks, uint32_t count);

  // Takes a block back, and its slab's run with the last one.
  void give(uint32_t index, std::byte* block);

  // Makes room for at least one block of the class: with another segment, or when the upstream
  // refuses that, in whatever run holds a single block. False when there is none of these.
  bool grow(uint32_t index);

  // What grow() asks the upstream for at last.
  static Request smallest_growth(uint32_t index);

  // Whether a block can be had without the upstream.
  bool can_take(uint32_t index) const;

  uint64_t reserved() const { return runs_.reserved(); }
  uint64_t taken_bytes() const { return taken_bytes_; }
  uint64_t taken_blocks() const { return taken_blocks_; }

  // Gives the upstream back what holds no taken block.
  void trim() { runs_.trim(); }

  // Gives everything back, taken blocks included.
  void reset();

 private:
  struct Slab {
    std::byte* base;
    uint64_t all;   // a bit for each block
    uint64_t free;  // of these
    uint32_t index;
    // Among the class's slabs that have a free block, or (next alone) among unused records.
    uint32_t next;
    uint32_t previous;
  };
  // A slab's number is its run's label. Record 0 is no slab; it ends the lists.
  static constexpr uint32_t kNone = RunHeap::kNoLabel;

  struct Class {
    uint32_t partial = kNone;  // the first slab with a free block
    uint32_t slabs = 0;
  };

  uint32_t blocks_in_next_run(uint32_t index) const;
  uint32_t make_slab(uint32_t index, uint32_t blocks);
  void remove_slab(uint32_t number);
  void link(uint32_t number);
  void unlink(uint32_t number);

  RunHeap runs_;
  std::vector<Slab> slabs_{1};
  std::array<Class, kSizeClasses> classes_{};
  uint32_t unused_ = kNone;
  uint64_t taken_bytes_ = 0;
  uint64_t taken_blocks_ = 0;
};

}  // namespace hyperion
