#include "memory/block_heap.h"

#include <algorithm>
#include <bit>

#include "base/checked.h"

namespace hyperion {
namespace {

constexpr uint32_t kLargestInSlab = 8 * 1024;
constexpr uint32_t kSlabBytes = 16 * 1024;  // or a little more or less: what fills whole units

struct Shape {
  uint32_t bytes;   // of a block
  uint32_t blocks;  // in a run; 1 without a slab
  uint32_t units;   // of the run
};

// The numbers of blocks are powers of two such that slabs fill their units exactly: between 8
// blocks of a multiple of 128 bytes and 64 of a multiple of 16.
constexpr Shape shape_of(uint32_t index) {
  const uint32_t bytes = class_bytes(index);
  const uint32_t blocks =
      bytes > kLargestInSlab ? 1 : std::clamp(std::bit_floor(kSlabBytes / bytes), 8u, 64u);
  return {bytes, blocks, bytes * blocks / static_cast<uint32_t>(RunHeap::kUnit)};
}

constexpr auto kShapes = [] {
  std::array<Shape, kSizeClasses> shapes{};
  for (uint32_t i = 0; i < kSizeClasses; ++i) shapes[i] = shape_of(i);
  return shapes;
}();

static_assert(std::all_of(kShapes.begin(), kShapes.end(), [](const Shape& shape) {
  return shape.bytes * shape.blocks == shape.units * RunHeap::kUnit &&
         shape.units <= RunHeap::kLargestRun;
}));

// Where there is no room for a whole slab, one block has a slab to itself.
constexpr uint32_t units_alone(uint32_t index) {
  return static_cast<uint32_t>(divide_up(class_bytes(index), RunHeap::kUnit));
}

}  // namespace

uint32_t BlockHeap::take(uint32_t index, std::byte** blocks, uint32_t count) {
  const Shape& shape = kShapes[index];
  uint32_t taken = 0;
  if (shape.blocks == 1) {
    while (taken < count && (blocks[taken] = runs_.take(shape.units)) != nullptr) ++taken;
  } else {
    const uint32_t number =
        partial_[index] != kNone ? partial_[index] : make_slab(index, shape.blocks);
    if (number == kNone) return 0;
    Slab& slab = slabs_[number];
    for (; taken < count && slab.free != 0; ++taken) {
      blocks[taken] = slab.base + static_cast<uint64_t>(std::countr_zero(slab.free)) * shape.bytes;
      slab.free &= slab.free - 1;
    }
    if (slab.free == 0) unlink(number);
  }
  taken_blocks_ += taken;
  taken_bytes_ += static_cast<uint64_t>(taken) * shape.bytes;
  return taken;
}

void BlockHeap::give(uint32_t index, std::byte* block) {
  const Shape& shape = kShapes[index];
  --taken_blocks_;
  taken_bytes_ -= shape.bytes;
  if (shape.blocks == 1) return runs_.give(block);
  const uint32_t number = runs_.label(block);
  Slab& slab = slabs_[number];
  if (slab.free == 0) link(number);
  slab.free |= 1ull << (static_cast<uint32_t>(block - slab.base) / shape.bytes);
  if (slab.free == slab.all) remove_slab(number);
}

bool BlockHeap::grow(uint32_t index) {
  const Shape& shape = kShapes[index];
  if (runs_.grow(shape.units)) return true;
  if (shape.blocks == 1) return false;
  if (make_slab(index, 1) != kNone) return true;
  return runs_.grow(units_alone(index)) && make_slab(index, 1) != kNone;
}

Request BlockHeap::smallest_growth(uint32_t index) {
  return RunHeap::smallest_segment(units_alone(index));
}

bool BlockHeap::can_take(uint32_t index) const {
  return partial_[index] != kNone || runs_.can_take(units_alone(index));
}

void BlockHeap::reset() {
  runs_.reset();
  slabs_.resize(1);
  partial_.fill(kNone);
  unused_ = kNone;
  taken_bytes_ = taken_blocks_ = 0;
}

uint32_t BlockHeap::make_slab(uint32_t index, uint32_t blocks) {
  const bool reused = unused_ != kNone;
  const uint32_t number = reused ? unused_ : static_cast<uint32_t>(slabs_.size());
  const uint64_t bytes = uint64_t{blocks} * kShapes[index].bytes;
  std::byte* base = runs_.take(static_cast<uint32_t>(divide_up(bytes, RunHeap::kUnit)), number);
  if (base == nullptr) return kNone;
  if (reused) {
    unused_ = slabs_[number].next;
  } else {
    slabs_.emplace_back();
  }
  const uint64_t all = ~0ull >> (64 - blocks);
  slabs_[number] = {base, all, all, index, kNone, kNone};
  link(number);
  return number;
}

void BlockHeap::remove_slab(uint32_t number) {
  unlink(number);
  runs_.give(slabs_[number].base);
  slabs_[number].next = unused_;
  unused_ = number;
}

void BlockHeap::link(uint32_t number) {
  Slab& slab = slabs_[number];
  uint32_t& first = partial_[slab.index];
  slab.previous = kNone;
  slab.next = first;
  slabs_[first].previous = number;
  first = number;
}

void BlockHeap::unlink(uint32_t number) {
  const Slab& slab = slabs_[number];
  slabs_[slab.next].previous = slab.previous;
  if (slab.previous == kNone) {
    partial_[slab.index] = slab.next;
  } else {
    slabs_[slab.previous].next = slab.next;
  }
}

}  // namespace hyperion
