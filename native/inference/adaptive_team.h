// How many threads compute, from how passes went: fewer while that makes passes which read no
// slower. Threads that compute as fast as the memory lets them take of its bandwidth from the
// disk's own transfers, and the reading, on which such a pass depends, takes longer.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hyperion {

// How long the team took for a pass, in milliseconds.
struct TeamPass {
  double all;
  double computing;  // the engine computed
  double reading;    // at least one read was under way
};

// Deterministic: the same passes give the same sizes.
class AdaptiveTeam {
 public:
  // Threads, from 1 to `most`, where it begins.
  explicit AdaptiveTeam(size_t most) : most_(most), size_(most), tried_(most) {}

  // The size for a pass of so many tokens. Passes of another number say nothing about it.
  size_t begin(uint64_t tokens);

  // Looks at the pass that went with it.
  void note(const TeamPass& pass);

 private:
  void end_trial(const TeamPass& pass);
  void begin_trial(const TeamPass& pass);

  const size_t most_;
  size_t size_;
  size_t tried_;         // by one pass; size_ in between
  double ms_ = 0;        // what passes take with size_
  bool down_ = true;     // where the next trial goes
  uint64_t tokens_ = 0;  // of the pass before
  size_t wait_ = 1;      // passes before the next trial
  size_t patience_ = 8;  // passes, more after each trial that was in vain
};

}  // namespace hyperion
