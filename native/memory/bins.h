// Which pool of equal blocks serves which size: fixed classes for all small sizes, and pools of the
// exact size for those that are asked for most.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "memory/pool_classes.h"
#include "memory/resource.h"
#include "memory/slabs.h"

namespace hyperion {

class SizeHistogram;

inline constexpr uint64_t kLargestBinned = 4096;
inline constexpr uint64_t kLargestExact = 16 * 1024;

class Bins {
 public:
  // REQUIRES: the upstream outlives the bins.
  explicit Bins(MemoryResource& upstream);

  // Null when no bin serves such requests (larger ones, and alignments of a page or more) or the
  // upstream refuses a slab. Takes constant time.
  std::byte* allocate(const Request& request);

  // Finds the block wherever set_exact() has left it; foreign when it is of no bin.
  FreeResult free(std::byte* block, const Request& request);

  // From now on serves these sizes (at default alignment) from pools of their own, and no other
  // sizes but the classes'. Live blocks stay where they are. REQUIRES: each is a multiple of 16, at
  // most kLargestExact.
  void set_exact(const std::vector<uint64_t>& sizes);

  // Bytes of the block that would be handed out at default alignment; 0 when no bin serves the
  // size.
  uint64_t block_bytes(uint64_t bytes) const;

  // requested is what allocate() was asked for.
  Usage usage() const;
  uint64_t trim();
  void reset();

 private:
  Slabs* pool_of(uint64_t block_bytes);
  Slabs* route(const Request& request) const;
  // Whether new blocks come from it; where not, its last blocks are waited for.
  bool serves(uint64_t block_bytes, const Slabs& pool) const;

  MemoryResource& upstream_;
  const PoolClasses classes_;
  std::map<uint64_t, Slabs> pools_;  // by bytes of their blocks
  std::vector<Slabs*> by_class_;
  // By size in units of the default alignment, rounded up; null where no bin serves.
  std::array<Slabs*, kLargestExact / kDefaultAlignment + 1> by_units_{};
  bool rebinned_ = false;  // so blocks may lie elsewhere than where their size is served now
  uint64_t requested_ = 0;
};

inline constexpr double kExactShare = 0.02;
inline constexpr size_t kMostExact = 8;

// The few sizes, rounded up to 16 and at most kLargestExact, that make up most of the allocations
// observed: each at least kExactShare of them, kMostExact at most, the most frequent first.
std::vector<uint64_t> frequent_sizes(const SizeHistogram& histogram);

}  // namespace hyperion
