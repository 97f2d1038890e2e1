// Reads that the operating system carries out while the thread that began them goes on (io_uring on
// Linux). What to read, and what to do about failures, is the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/status.h"

namespace hyperion {

// One thread begins reads and waits for them; any thread may wake it.
class ReadRing {
 public:
  struct Ended {
    uint64_t token;
    int64_t bytes;  // that came; negative when the read failed
  };

  // For so many reads at once. UNSUPPORTED where the operating system has no rings or refuses one.
  static Result<std::unique_ptr<ReadRing>> create(size_t depth);

  virtual ~ReadRing() = default;  // REQUIRES: no read is in flight

  // REQUIRES: fewer reads than `depth` are in flight; `out` stays until this one ends. Of the
  // offset, of `out` and of the descriptor what File::read asks.
  virtual void begin(int descriptor, uint64_t offset, std::span<std::byte> out, uint64_t token) = 0;

  // Waits until a read has ended, or wake() was called since the last wait that gave nothing.
  virtual std::optional<Ended> wait() = 0;

  virtual void wake() = 0;
};

}  // namespace hyperion
