#include "memory/arena.h"

#include "base/checked.h"
#include "base/format.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

Request whole(uint64_t capacity) {
  return {capacity, kPageSize, 0, Lifetime::lasting};
}

}  // namespace

Result<std::unique_ptr<Arena>> Arena::create(MemoryResource& upstream, uint64_t capacity) {
  const uint64_t bytes = round_up(capacity, kPageSize);
  std::byte* base = upstream.allocate(whole(bytes));
  if (base == nullptr) return upstream.refusal(whole(bytes));
  return std::unique_ptr<Arena>(new Arena(upstream, base, bytes));
}

Arena::Arena(MemoryResource& upstream, std::byte* base, uint64_t capacity)
    : upstream_(upstream), base_(base), capacity_(capacity), low_(capacity), high_(capacity) {}

Arena::~Arena() {
  upstream_.free(base_, whole(capacity_));
}

std::byte* Arena::allocate(const Request& request) {
  const uint64_t bytes = round_up(request.bytes, kDefaultAlignment);
  if (bytes > gap()) return nullptr;
  return request.lifetime == Lifetime::lasting ? allocate_low(request, bytes)
                                               : allocate_high(request, bytes);
}

std::byte* Arena::allocate_low(const Request& request, uint64_t bytes) {
  const uint64_t base = reinterpret_cast<uintptr_t>(base_);
  const uint64_t begin = round_up(base + low_.fill(), request.alignment) - base;
  if (begin - low_.fill() > gap() - bytes) return nullptr;
  low_.push(begin, begin + bytes, request.bytes);
  return hand_out(begin, request.bytes);
}

std::byte* Arena::allocate_high(const Request& request, uint64_t bytes) {
  const uint64_t base = reinterpret_cast<uintptr_t>(base_);
  const uint64_t end = base + capacity_ - high_.fill();
  const uint64_t begin = round_down(end - bytes, request.alignment);
  if (begin < base + low_.fill()) return nullptr;
  const uint64_t fill = base + capacity_ - begin;
  high_.push(fill, fill, request.bytes);
  return hand_out(begin - base, request.bytes);
}

std::byte* Arena::hand_out(uint64_t offset, uint64_t requested) {
  requested_ += requested;
  ++blocks_;
  return base_ + offset;
}

FreeResult Arena::free(std::byte* block, const Request&) {
  if (!contains(block)) return FreeResult::foreign;
  const uint64_t offset = block - base_;
  const bool in_gap = offset >= low_.fill() && offset < capacity_ - high_.fill();
  if (in_gap) return FreeResult::freed_before;
  const auto [result, requested] =
      offset < low_.fill() ? low_.free(offset) : high_.free(capacity_ - offset);
  if (result != FreeResult::freed) return result;
  requested_ -= requested;
  --blocks_;
  return result;
}

Status Arena::refusal(const Request& request) const {
  return Status(Code::out_of_memory,
                format_bytes(request.bytes) + " (aligned to " + format_bytes(request.alignment) +
                    ") do not fit into the arena: of its " + format_bytes(capacity_) + ", " +
                    format_bytes(gap()) + " are free between its ends and " +
                    format_bytes(holes()) +
                    " lie in holes that stay unusable until what lies above them is freed; give a "
                    "larger initialPoolSize or free in reverse order",
                {{"neededBytes", static_cast<double>(request.bytes)},
                 {"largestFreeBytes", static_cast<double>(gap())},
                 {"holeBytes", static_cast<double>(holes())}});
}

Usage Arena::usage() const {
  return {capacity_, capacity_ - gap() - holes(), requested_, gap(), blocks_};
}

void Arena::reset() {
  low_.clear();
  high_.clear();
  requested_ = 0;
  blocks_ = 0;
}

bool Arena::contains(const std::byte* block) const {
  const auto address = reinterpret_cast<uintptr_t>(block);
  return address - reinterpret_cast<uintptr_t>(base_) < capacity_;
}

}  // namespace hyperion
