#include "loading/mapped_runs.h"

namespace hyperion {

Result<MappedRuns> map_runs(const Model& model, std::span<const Run> runs, uint64_t bytes,
                            EngineMemory& memory) {
  Result<Region> region = Region::map(memory, Tag::weights, bytes);
  if (!region.ok()) return region.status();
  MappedRuns mapped;
  mapped.region = std::move(region.value());
  std::byte* const data = mapped.region.data();
  for (const Run& run : runs) {
    Status status =
        model.file(run.file, Access::mapped).map(run.offset, run.bytes, data + run.place);
    if (!status.ok()) return status;
  }
  mapped.range = MappedRange(data, mapped.region.size());
  return mapped;
}

Status check_mapped(const MappedRange& range, const Model& model, std::span<const Run> runs) {
  if (!range.broken()) return {};
  for (const Run& run : runs) {
    const Status status = model.file(run.file, Access::mapped).check_unchanged();
    if (status.code() == Code::corrupt) return status;
  }
  return Status(Code::corrupt, model.file(runs.front().file, Access::mapped).path() +
                                   ": the disk failed to give mapped bytes of it");
}

}  // namespace hyperion
