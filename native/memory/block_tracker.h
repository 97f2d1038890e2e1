// What is worth knowing of blocks beyond their counts, while somebody asks: sizes, lifetimes, and
// bytes over time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace hyperion {

struct UsageSample {
  double time_ms;
  uint64_t requested;
  uint64_t reserved;
};

class BlockTracker {
 public:
  // Bin i counts values from 2^i to below 2^(i + 1).
  static constexpr size_t kBins = 54;
  static constexpr size_t kSamples = 4096;  // 24 bytes each: what a timeline costs

  struct SizeBin {
    uint64_t blocks = 0;
    uint64_t bytes = 0;
  };

  BlockTracker() { samples_.reserve(kSamples); }

  // Blocks by the numbers of their allocation.
  void on_allocate(uint64_t bytes, uint64_t number, const UsageSample& sample);
  void on_free(uint64_t number, const UsageSample& sample);
  void on_reset(const UsageSample& sample);

  const std::array<SizeBin, kBins>& sizes() const { return sizes_; }
  // Lifetimes of freed blocks in microseconds; below one counts as one.
  const std::array<uint64_t, kBins>& lifetimes() const { return lifetimes_; }
  // When a live block was allocated; 0 for one that was before it was followed.
  double allocated_ms(uint64_t number) const;
  // How many frees gave back the newest live block.
  uint64_t newest_first() const { return newest_first_; }
  // Oldest first; the newest kSamples.
  std::vector<UsageSample> samples() const;

 private:
  void record(const UsageSample& sample);

  std::array<SizeBin, kBins> sizes_{};
  std::array<uint64_t, kBins> lifetimes_{};
  uint64_t newest_first_ = 0;
  std::map<uint64_t, double> live_;  // when blocks were allocated
  std::vector<UsageSample> samples_;
  uint64_t recorded_ = 0;
};

}  // namespace hyperion
