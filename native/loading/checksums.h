// Whether the bytes of parts are those that were written, for files that say what these were. Each
// part is held against its checksum when it comes for the first time; that a file stays as it is
// from then on is what File::check_unchanged() watches, at every load and for next to nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "loading/part_layout.h"
#include "model/model.h"

namespace hyperion {

// A checked range of a file is as a rule a layer, and comes in several parts: it is judged when the
// last of them is there. Ranges that the parts do not cover are not judged.
class Checksums {
 public:
  // REQUIRES: the model outlives this.
  Checksums(const Model& model, const std::vector<StoredPart>& parts);

  // Whether the part has bytes whose checksum is not known yet.
  bool awaits(int part) const;

  // The checksums of the part's pieces. Thread-safe: looks at nothing that note() changes.
  std::vector<uint32_t> compute(int part, const std::byte* region) const;

  struct Verdict {
    Status status;              // CORRUPT, saying where, when a range is not what was written
    std::vector<int> suspects;  // the parts of that range, any of which may be the damaged one
  };
  // Takes what compute() found; of a part that fails nothing is known afterwards, so that whoever
  // loads it again is told again.
  Verdict note(int part, const std::vector<uint32_t>& found);

  // The part is held against its checksums again when it comes the next time.
  void forget(int part);

 private:
  struct Piece {
    size_t range;
    int part;
    uint64_t place;  // in the part's region
    uint64_t bytes;
    std::optional<uint32_t> found = std::nullopt;
  };
  struct Range {
    const CheckedRange* checked;
    size_t first, last;  // its pieces, in the order of the file; `last` is past the end
  };
  void cover(const CheckedRange& checked, const std::vector<StoredPart>& parts);
  bool is_judged(const Range& range) const;
  Status judge(const Range& range) const;

  const Model& model_;
  std::vector<Range> ranges_;
  std::vector<Piece> pieces_;                 // by range
  std::vector<std::vector<size_t>> by_part_;  // its pieces
};

}  // namespace hyperion
