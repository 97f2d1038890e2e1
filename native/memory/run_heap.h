// Runs of 1 KiB units in segments from the upstream: best fit, neighbours coalesced at once, and
// every record kept beside the memory, which is never touched. What a run is used for is its
// owner's matter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "memory/resource.h"

namespace hyperion {

// Not thread-safe.
class RunHeap {
 public:
  static constexpr uint64_t kUnit = 1024;
  static constexpr uint32_t kLargestRun = 64;  // units
  static constexpr uint32_t kNoLabel = 0;

  // REQUIRES: upstream outlives the heap.
  explicit RunHeap(MemoryResource& upstream) : upstream_(upstream) {}
  RunHeap(const RunHeap&) = delete;
  RunHeap& operator=(const RunHeap&) = delete;
  ~RunHeap() { reset(); }

  // The smallest free run that is large enough, cut to size; null when there is none. A label other
  // than kNoLabel can be read at every unit of the run. REQUIRES: 0 < units <= kLargestRun.
  std::byte* take(uint32_t units, uint32_t label = kNoLabel);

  // Whether take() would find a run.
  bool can_take(uint32_t units) const { return fitting_bin(units).has_value(); }

  // Adds a segment in which `units` fit, as large as suits the heap or as the upstream allows;
  // false when it refuses even the smallest such.
  bool grow(uint32_t units);

  // What grow() asks the upstream for at the very least.
  static Request smallest_segment(uint32_t units);

  // Takes a run back. A segment that is now empty stays until another one is, or trim().
  // REQUIRES: take() gave the run.
  void give(std::byte* run);

  // REQUIRES: the address lies in a run that was taken with a label.
  uint32_t label(const std::byte* address) const;

  // Bytes held from the upstream.
  uint64_t reserved() const { return reserved_; }

  // Gives the empty segment back to the upstream.
  void trim();

  // Gives all segments back, whatever is in use.
  void reset();

 private:
  // A run's length in units, and whether it is in use: up to date at its first and its last unit.
  using Extent = uint16_t;
  static constexpr Extent kUsed = 0x8000;

  struct Segment {
    Segment(std::byte* base, uint32_t units)
        : base(base), units(units), extents(units + 2, kUsed), labels(units, kNoLabel) {}

    Extent& extent(uint32_t unit) { return extents[unit + 1]; }
    Extent extent(uint32_t unit) const { return extents[unit + 1]; }
    uint32_t unit_of(const std::byte* address) const {
      return static_cast<uint32_t>(static_cast<uint64_t>(address - base) / kUnit);
    }
    Request request() const;

    std::byte* base;
    uint32_t units;
    uint32_t used_units = 0;
    std::vector<Extent> extents;   // between two used guards, so that a run always has neighbours
    std::vector<uint32_t> labels;  // at a free run's first unit: where its bin lists it
  };
  struct Place {
    Segment* segment;
    uint32_t unit;
  };
  // One bin for each length up to the largest run; longer runs share a bin for each doubling.
  static constexpr uint32_t kBins = 128;

  static uint32_t bin_of(uint32_t units);
  std::optional<uint32_t> fitting_bin(uint32_t units) const;
  Segment& segment_of(const std::byte* address) const;
  bool add_segment(const Request& request);
  void remove_segment(Segment& segment);
  void list(Segment& segment, uint32_t unit, uint32_t length);
  void unlist(Segment& segment, uint32_t unit);

  MemoryResource& upstream_;
  std::vector<std::unique_ptr<Segment>> segments_;  // by address
  std::vector<const std::byte*> bases_;             // of the segments, for segment_of()
  Segment* empty_ = nullptr;                        // the one that holds no used run, if any
  uint64_t reserved_ = 0;
  std::array<std::vector<Place>, kBins> bins_;
  std::array<uint64_t, kBins / 64> filled_{};  // a bit for each bin that lists a run
};

}  // namespace hyperion
