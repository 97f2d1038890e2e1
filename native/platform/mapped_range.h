// Addresses that files are mapped over, watched so that a file which is cut short under them, or
// whose disk fails, does not end the process: what cannot be had reads as zeros, and the range is
// broken from then on.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hyperion {

struct WatchedRange;

// Watches while it lives. It does not own the addresses.
class MappedRange {
 public:
  MappedRange() = default;

  // REQUIRES: the addresses are whole pages of read-only mappings of files, and stay mapped while
  // this lives; no other range has any of them.
  MappedRange(const std::byte* data, uint64_t bytes);

  MappedRange(MappedRange&& other) noexcept;
  MappedRange& operator=(MappedRange&& other) noexcept;
  ~MappedRange();

  // Whether any of the range has read as zeros so far. Whoever has read from it asks afterwards:
  // not broken then, all that was read came from the files. Any thread may ask.
  bool broken() const;

 private:
  WatchedRange* watched_ = nullptr;
};

}  // namespace hyperion
