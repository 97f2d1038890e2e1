#include "memory/hybrid.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/checked.h"

namespace hyperion {
namespace {

struct Projection {
  std::vector<HybridOptimization::Bin> bins;
  double internal = 0;
};

// What the observed sizes take in these bins.
Projection project(const SizeHistogram& histogram, const Bins& bins) {
  std::map<uint64_t, uint64_t> blocks;
  double handed_out = 0;
  double asked_for = 0;
  for (const auto& [bytes, size] : histogram.sizes()) {
    const uint64_t binned = bins.block_bytes(bytes);
    const uint64_t block = binned > 0 ? binned : round_up(bytes, kDefaultAlignment);
    if (binned > 0) blocks[binned] += size.peak_live;
    handed_out += static_cast<double>(size.count) * static_cast<double>(block);
    asked_for += static_cast<double>(size.count) * static_cast<double>(bytes);
  }
  Projection projection;
  for (const auto& [bytes, count] : blocks) projection.bins.push_back({bytes, count});
  if (handed_out > 0) projection.internal = (handed_out - asked_for) / handed_out;
  return projection;
}

}  // namespace

Result<std::unique_ptr<Hybrid>> Hybrid::create(const HybridConfig& config, MemoryResource& upstream,
                                               std::unique_ptr<MemoryResource> rest) {
  auto arena = Arena::create(upstream, config.initial_pool_size);
  if (!arena.ok()) return arena.status();
  return std::unique_ptr<Hybrid>(
      new Hybrid(config.enable_optimization, std::move(arena.value()), upstream, std::move(rest)));
}

Hybrid::Hybrid(bool observes, std::unique_ptr<Arena> arena, MemoryResource& upstream,
               std::unique_ptr<MemoryResource> rest)
    : observes_(observes), arena_(std::move(arena)), bins_(upstream), rest_(std::move(rest)) {}

std::byte* Hybrid::allocate(const Request& request) {
  if (request.lifetime == Lifetime::lasting) {
    if (std::byte* block = arena_->allocate(request)) return block;
  }
  std::byte* block = try_allocate(request);
  if (block == nullptr && trim() > 0) block = try_allocate(request);
  if (block != nullptr && observes_) observe(block, request);
  return block;
}

// A size with a bin goes to the rest too where a whole slab is more than the upstream has.
std::byte* Hybrid::try_allocate(const Request& request) {
  std::byte* block = bins_.allocate(request);
  return block != nullptr ? block : rest_->allocate(request);
}

void Hybrid::observe(const std::byte* block, const Request& request) {
  histogram_.allocated(block, request.bytes);
  if (histogram_.allocations() % kOptimizeInterval != 0) return;
  optimize();
  histogram_.age();
}

FreeResult Hybrid::free(std::byte* block, const Request& request) {
  if (arena_->contains(block)) return arena_->free(block, request);
  FreeResult result = bins_.free(block, request);
  if (result == FreeResult::foreign) result = rest_->free(block, request);
  if (result == FreeResult::freed) histogram_.freed(block, request.bytes);
  return result;
}

Status Hybrid::refusal(const Request& request) const {
  return rest_->refusal(request);
}

Usage Hybrid::usage() const {
  Usage sum;
  for (const Usage& part : {arena_->usage(), bins_.usage(), rest_->usage()}) {
    sum.reserved += part.reserved;
    sum.active += part.active;
    sum.requested += part.requested;
    sum.largest_free = std::max(sum.largest_free, part.largest_free);
    sum.blocks += part.blocks;
  }
  return sum;
}

uint64_t Hybrid::trim() {
  return bins_.trim() + rest_->trim();
}

void Hybrid::reset() {
  arena_->reset();
  bins_.reset();
  rest_->reset();
  histogram_.freed_all();
}

HybridOptimization Hybrid::optimize() {
  Projection before = project(histogram_, bins_);
  const uint64_t reserved = usage().reserved;
  bins_.set_exact(frequent_sizes(histogram_));
  trim();
  Projection after = project(histogram_, bins_);
  return {.before = std::move(before.bins),
          .after = std::move(after.bins),
          .trimmed = reserved - usage().reserved,
          .internal_before = before.internal,
          .internal_after = after.internal,
          .lasting_sizes = histogram_.long_lived(kLongLived)};
}

}  // namespace hyperion
