#include "memory/slabs.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

#include "base/checked.h"
#include "platform/pages.h"

namespace hyperion {

static_assert(kSlabBytes / kDefaultAlignment <= 64 * 64, "one word says which words have room");

SlabLayout::SlabLayout(uint64_t block_bytes)
    : block_bytes(block_bytes),
      blocks(std::max<uint64_t>(1, kSlabBytes / block_bytes)),
      slab_bytes(round_up(blocks * block_bytes, kPageSize)) {}

Slabs::Slabs(uint64_t block_bytes, MemoryResource& upstream)
    : layout_(block_bytes), upstream_(upstream) {}

Request Slabs::slab_request() const {
  return {layout_.slab_bytes, kPageSize};
}

std::byte* Slabs::allocate() {
  Slab* slab = with_room_.empty() ? add_slab() : with_room_.back();
  if (slab == nullptr) return nullptr;
  if (slab == empty_) empty_ = nullptr;
  ++live_;
  return take_block(*slab);
}

FreeResult Slabs::free(std::byte* block) {
  auto after = slabs_.upper_bound(block);
  if (after == slabs_.begin()) return FreeResult::foreign;
  Slab& slab = std::prev(after)->second;
  const uint64_t offset = block - slab.base;
  const uint64_t index = offset / layout_.block_bytes;
  if (index >= layout_.blocks || offset % layout_.block_bytes != 0) return FreeResult::foreign;
  uint64_t& word = slab.room[index / kWordBits];
  const uint64_t bit = 1ull << index % kWordBits;
  if (word & bit) return FreeResult::freed_before;
  word |= bit;
  slab.words_with_room |= 1ull << index / kWordBits;
  --live_;
  if (++slab.free == 1) note_room(slab);
  if (slab.free < layout_.blocks) return FreeResult::freed;
  if (empty_ == nullptr && layout_.blocks > 1) {
    empty_ = &slab;
  } else {
    give_back(slab);
  }
  return FreeResult::freed;
}

uint64_t Slabs::trim() {
  if (empty_ == nullptr) return 0;
  give_back(*std::exchange(empty_, nullptr));
  return layout_.slab_bytes;
}

void Slabs::reset() {
  for (const auto& [base, slab] : slabs_) upstream_.free(base, slab_request());
  slabs_.clear();
  with_room_.clear();
  empty_ = nullptr;
  live_ = 0;
}

Slabs::Slab* Slabs::add_slab() {
  std::byte* base = upstream_.allocate(slab_request());
  if (base == nullptr) return nullptr;
  const uint64_t words = divide_up(layout_.blocks, kWordBits);
  std::vector<uint64_t> room(words, ~0ull);
  if (layout_.blocks % kWordBits != 0) room.back() = (1ull << layout_.blocks % kWordBits) - 1;
  const uint64_t words_with_room = ~0ull >> (kWordBits - words);
  Slab& slab = slabs_[base] = {base, layout_.blocks, words_with_room, std::move(room), 0};
  note_room(slab);
  return &slab;
}

std::byte* Slabs::take_block(Slab& slab) {
  const int at = std::countr_zero(slab.words_with_room);
  uint64_t& word = slab.room[at];
  const uint64_t index = at * kWordBits + std::countr_zero(word);
  word &= word - 1;
  if (word == 0) slab.words_with_room &= slab.words_with_room - 1;
  if (--slab.free == 0) forget_room(slab);
  return slab.base + index * layout_.block_bytes;
}

void Slabs::note_room(Slab& slab) {
  slab.place = with_room_.size();
  with_room_.push_back(&slab);
}

void Slabs::forget_room(Slab& slab) {
  with_room_.back()->place = slab.place;
  with_room_[slab.place] = with_room_.back();
  with_room_.pop_back();
}

void Slabs::give_back(Slab& slab) {
  forget_room(slab);
  std::byte* base = slab.base;
  slabs_.erase(base);
  upstream_.free(base, slab_request());
}

}  // namespace hyperion
