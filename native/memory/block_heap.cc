#include "memory/block_heap.h"

#include <algorithm>
#include <bit>

#include "base/checked.h"

namespace hyperion {
namespace {

constexpr uint32_t kLargestInSlab = 8 * 1024;
constexpr uint32_t kSlabBytes = 16 * 1024;  // of a slab of full size, within the numbers of blocks
constexpr uint32_t kFewestBlocks = 8;
constexpr uint32_t kMostBlocks = 64;

struct Shape {
  uint32_t bytes;   // of a block
  uint32_t blocks;  // in a slab of full size; 1 for a block that is a run of its own
};

constexpr auto kShapes = [] {
  std::array<Shape, kSizeClasses> shapes{};
  for (uint32_t i = 0; i < kSizeClasses; ++i) {
    const uint32_t bytes = class_bytes(i);
    const uint32_t fit = std::bit_floor(kSlabBytes / bytes);
    shapes[i] = {bytes, bytes > kLargestInSlab ? 1 : std::clamp(fit, kFewestBlocks, kMostBlocks)};
  }
  return shapes;
}();

// Powers of two of blocks fill whole units exactly, and the runs are such as RunHeap gives.
static_assert(std::all_of(kShapes.begin(), kShapes.end(), [](const Shape& shape) {
  const uint64_t bytes = uint64_t{shape.bytes} * shape.blocks;
  return bytes % RunHeap::kUnit == 0 && bytes <= RunHeap::kLargestRun * RunHeap::kUnit;
}));

uint32_t run_units(uint32_t index, uint32_t blocks) {
  return static_cast<uint32_t>(divide_up(uint64_t{blocks} * kShapes[index].bytes, RunHeap::kUnit));
}

}  // namespace

uint32_t BlockHeap::take(uint32_t index, std::byte** blocks, uint32_t count) {
  const Shape& shape = kShapes[index];
  uint32_t taken = 0;
  if (shape.blocks == 1) {
    const uint32_t units = run_units(index, 1);
    while (taken < count && (blocks[taken] = runs_.take(units)) != nullptr) ++taken;
  } else {
    uint32_t number = classes_[index].partial;
    if (number == kNone) number = make_slab(index, blocks_in_next_run(index));
    if (number == kNone) return 0;
    Slab& slab = slabs_[number];
    for (; taken < count && slab.free != 0; ++taken) {
      blocks[taken] = slab.base + static_cast<uint64_t>(std::countr_zero(slab.free)) * shape.bytes;
      slab.free &= slab.free - 1;
    }
    if (slab.free == 0) unlink(number);
  }
  taken_blocks_ += taken;
  taken_bytes_ += uint64_t{taken} * shape.bytes;
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
  if (runs_.grow(run_units(index, blocks_in_next_run(index)))) return true;
  if (kShapes[index].blocks == 1) return false;
  if (make_slab(index, 1) != kNone) return true;
  return runs_.grow(run_units(index, 1)) && make_slab(index, 1) != kNone;
}

Request BlockHeap::smallest_growth(uint32_t index) {
  return RunHeap::smallest_segment(run_units(index, 1));
}

bool BlockHeap::can_take(uint32_t index) const {
  return classes_[index].partial != kNone || runs_.can_take(run_units(index, 1));
}

void BlockHeap::reset() {
  runs_.reset();
  slabs_.resize(1);
  classes_.fill({});
  unused_ = kNone;
  taken_bytes_ = taken_blocks_ = 0;
}

// A class's first slabs are small and double, so that many classes of few blocks do not hold much.
uint32_t BlockHeap::blocks_in_next_run(uint32_t index) const {
  return std::min(kShapes[index].blocks, 1u << std::min(classes_[index].slabs, 6u));
}

// Holds at least `blocks`, and as many more as the last unit has room for.
uint32_t BlockHeap::make_slab(uint32_t index, uint32_t blocks) {
  const bool reused = unused_ != kNone;
  const uint32_t number = reused ? unused_ : static_cast<uint32_t>(slabs_.size());
  const uint32_t units = run_units(index, blocks);
  std::byte* base = runs_.take(units, number);
  if (base == nullptr) return kNone;
  if (reused) {
    unused_ = slabs_[number].next;
  } else {
    slabs_.emplace_back();
  }
  const uint64_t fit = units * RunHeap::kUnit / kShapes[index].bytes;
  const uint64_t all = ~0ull >> (64 - std::min<uint64_t>(fit, kMostBlocks));
  slabs_[number] = {base, all, all, index, kNone, kNone};
  ++classes_[index].slabs;
  link(number);
  return number;
}

void BlockHeap::remove_slab(uint32_t number) {
  unlink(number);
  --classes_[slabs_[number].index].slabs;
  runs_.give(slabs_[number].base);
  slabs_[number].next = unused_;
  unused_ = number;
}

void BlockHeap::link(uint32_t number) {
  Slab& slab = slabs_[number];
  uint32_t& first = classes_[slab.index].partial;
  slab.previous = kNone;
  slab.next = first;
  slabs_[first].previous = number;
  first = number;
}

void BlockHeap::unlink(uint32_t number) {
  const Slab& slab = slabs_[number];
  slabs_[slab.next].previous = slab.previous;
  if (slab.previous == kNone) {
    classes_[slab.index].partial = slab.next;
  } else {
    slabs_[slab.previous].next = slab.next;
  }
}

}  // namespace hyperion
