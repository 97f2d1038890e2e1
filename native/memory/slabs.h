// Blocks of one size, cut from slabs of whole pages that come from an upstream and go back to it.
// Which blocks are free stands in bitmaps beside the slabs, never in the blocks.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "memory/resource.h"

namespace hyperion {

// How a slab is divided: as many blocks as fit into kSlabBytes, at least one.
struct SlabLayout {
  explicit SlabLayout(uint64_t block_bytes);
  uint64_t block_bytes;
  uint64_t blocks;
  uint64_t slab_bytes;  // whole pages
};
inline constexpr uint64_t kSlabBytes = 64 * 1024;

// A slab is taken when every other is full, so there are never more than the largest number of live
// blocks needed, and one empty slab of several blocks is kept until trim() for the next block: a
// block that is allocated and freed over and over costs the upstream nothing. allocate() takes
// constant time and free() time logarithmic in the slabs, apart from the upstream's.
class Slabs {
 public:
  // REQUIRES: block_bytes is a positive multiple of 16; the upstream outlives the slabs.
  Slabs(uint64_t block_bytes, MemoryResource& upstream);
  Slabs(const Slabs&) = delete;
  Slabs& operator=(const Slabs&) = delete;
  ~Slabs() { reset(); }

  // Null when a slab was needed and the upstream refused it, as it does slab_request().
  // ENSURES: a multiple of every power of two that divides both block_bytes and the page size.
  std::byte* allocate();

  FreeResult free(std::byte* block);

  // Returns the bytes that went back.
  uint64_t trim();
  void reset();

  const SlabLayout& layout() const { return layout_; }
  Request slab_request() const;
  uint64_t live() const { return live_; }
  uint64_t reserved() const { return slabs_.size() * layout_.slab_bytes; }
  // Whether a block can be had without the upstream.
  bool has_room() const { return !with_room_.empty(); }

 private:
  static constexpr uint64_t kWordBits = 64;
  struct Slab {
    std::byte* base;
    uint64_t free;               // blocks
    uint64_t words_with_room;    // a bit for each word of `room` that is not zero
    std::vector<uint64_t> room;  // a bit for each free block
    size_t place;                // in with_room_, when free > 0
  };

  Slab* add_slab();
  std::byte* take_block(Slab& slab);
  void note_room(Slab& slab);
  void forget_room(Slab& slab);
  void give_back(Slab& slab);

  const SlabLayout layout_;
  MemoryResource& upstream_;
  std::map<std::byte*, Slab> slabs_;  // by their first byte
  std::vector<Slab*> with_room_;
  Slab* empty_ = nullptr;  // the one that is kept
  uint64_t live_ = 0;
};

}  // namespace hyperion
