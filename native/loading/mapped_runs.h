// Layers whose weights stay in their files' page cache: mapped, charged like those that are read,
// and no danger when a file is cut short.
#pragma once

#include <span>

#include "loading/part_layout.h"
#include "memory/region.h"
#include "model/model.h"
#include "platform/mapped_range.h"

namespace hyperion {

struct MappedRuns {
  Region region;
  MappedRange range;  // last: it watches the region
};

// Maps the runs at their places in a region of so many bytes, which are charged as weights; nothing
// is read yet. OVER_BUDGET, OUT_OF_MEMORY; UNSUPPORTED for files without mappings; IO.
// REQUIRES: bytes > 0; places, offsets and lengths of the runs are multiples of kPageSize.
Result<MappedRuns> map_runs(const Model& model, std::span<const Run> runs, uint64_t bytes,
                            EngineMemory& memory);

// CORRUPT when anything read from the runs in `range` so far may have been zeros in place of a
// file's bytes.
Status check_mapped(const MappedRange& range, const Model& model, std::span<const Run> runs);

}  // namespace hyperion
