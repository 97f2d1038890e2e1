// Which parts stay in memory from pass to pass. A pass is a cyclic scan, for which keeping some
// parts for good and streaming the others reads least; kept parts lie evenly over the pass, so that
// reading overlaps computing all the way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hyperion {

// Ranks 0 to count - 1, by part: those below any rank are spread evenly over all, so that a smaller
// set is always within a larger one.
std::vector<size_t> spread_ranks(size_t count);

// What choose_kept() looks at.
struct Candidate {
  uint64_t bytes;  // of the budget
  size_t rank;
};

// Keeps what fits into `room`, in order of rank, leaving `ring` for the rest to stream
// through unless everything fits.
std::vector<bool> choose_kept(const std::vector<Candidate>& candidates, uint64_t room,
                              uint64_t ring);

}  // namespace hyperion
