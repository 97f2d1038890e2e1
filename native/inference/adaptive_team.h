// How many threads compute, from how passes went: fewer while a pass waits for the disk all the
// same. Threads that compute as fast as the memory lets them take of its bandwidth from the disk's
// own transfers, and the reading, on which such a pass depends, takes longer.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hyperion {

// Deterministic: the same passes give the same sizes.
class AdaptiveTeam {
 public:
  // Threads, from 1 to `most`, where it begins.
  explicit AdaptiveTeam(size_t most) : most_(most), size_(most) {}

  // The size for a pass of so many tokens. Passes of another number say nothing about it.
  size_t begin(uint64_t tokens);

  // Looks at the pass that went with it: `ms` long, of which the engine computed for `compute_ms`.
  void note(double ms, double compute_ms);

 private:
  const size_t most_;
  size_t size_;
  uint64_t tokens_ = 0;  // of the pass before
  size_t wait_ = 1;      // passes before there may be fewer threads
  size_t patience_ = 4;  // passes, more after each step that was in vain
};

}  // namespace hyperion
