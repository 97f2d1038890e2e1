// Each block where its kind does best: lasting blocks in an arena, small and frequent sizes in
// pools of equal blocks, the rest in whatever resource is given for it. Looks at its own use, if
// asked to, and arranges the pools to it.
#pragma once

#include <memory>
#include <vector>

#include "memory/arena.h"
#include "memory/bins.h"
#include "memory/resource.h"
#include "memory/size_histogram.h"

namespace hyperion {

struct HybridConfig {
  uint64_t initial_pool_size = 1 << 20;  // bytes of the arena
  bool enable_optimization = false;  // observe, and optimize() every kOptimizeInterval allocations
};

// What an optimize() did.
struct HybridOptimization {
  struct Bin {
    uint64_t block_bytes;
    uint64_t blocks;  // served from it when every size observed lives at its peak
  };
  std::vector<Bin> before;  // ascending, only what serves an observed size
  std::vector<Bin> after;
  uint64_t trimmed = 0;  // bytes given back to the upstream
  // Padding as a share of the bytes handed out over all allocations observed, at default alignment:
  // exact for the bins, and as if the rest rounded up to 16.
  double internal_before = 0;
  double internal_after = 0;
  // Sizes that live for kLongLived allocations or more on average: better asked for as lasting.
  std::vector<uint64_t> lasting_sizes;
};

// When the arena is full, lasting blocks go where others do. A block is freed where it came from,
// however the pools have been arranged since.
// Blocks at page alignment never lie in pools: beside the arena they cost what the rest takes for
// them.
class Hybrid final : public MemoryResource {
 public:
  static constexpr uint64_t kOptimizeInterval = 4096;
  static constexpr uint64_t kLongLived = 1024;

  // Fails with the upstream's refusal of the arena.
  // REQUIRES: 0 < initial_pool_size <= kLargestBlock; `rest` stands over the same upstream, which
  // outlives this.
  static Result<std::unique_ptr<Hybrid>> create(const HybridConfig& config,
                                                MemoryResource& upstream,
                                                std::unique_ptr<MemoryResource> rest);

  // What holds no block goes back before anything is refused.
  std::byte* allocate(const Request& request) override;
  FreeResult free(std::byte* block, const Request& request) override;
  // The rest's: the last that was asked.
  Status refusal(const Request& request) const override;
  Usage usage() const override;
  uint64_t trim() override;
  void reset() override;

  // Gives pools of their own to the sizes that are asked for most, and trims. Without
  // enable_optimization nothing has been observed, and it only trims.
  HybridOptimization optimize();

 private:
  Hybrid(bool observes, std::unique_ptr<Arena> arena, MemoryResource& upstream,
         std::unique_ptr<MemoryResource> rest);

  std::byte* try_allocate(const Request& request);
  void observe(const std::byte* block, const Request& request);

  const bool observes_;
  std::unique_ptr<Arena> arena_;
  Bins bins_;
  std::unique_ptr<MemoryResource> rest_;
  SizeHistogram histogram_;  // of all but the arena's blocks
};

}  // namespace hyperion
