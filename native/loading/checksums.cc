#include "loading/checksums.h"

#include <algorithm>

#include "base/crc32.h"

namespace hyperion {

Checksums::Checksums(const Model& model, const std::vector<StoredPart>& parts)
    : model_(model), by_part_(parts.size()) {
  for (const CheckedRange& checked : model.checksums()) cover(checked, parts);
  for (size_t i = 0; i < pieces_.size(); ++i) {
    by_part_[static_cast<size_t>(pieces_[i].part)].push_back(i);
  }
}

// Divides a range among the parts; of bytes that two parts read the first is asked.
void Checksums::cover(const CheckedRange& checked, const std::vector<StoredPart>& parts) {
  struct Stretch {
    uint64_t begin, end, place;
    int part;
  };
  std::vector<Stretch> stretches;
  for (size_t i = 0; i < parts.size(); ++i) {
    for (const Run& run : parts[i].layout.runs) {
      const uint64_t begin = std::max(run.offset, checked.offset);
      const uint64_t end = std::min(run.offset + run.bytes, checked.offset + checked.bytes);
      if (run.file != checked.file || begin >= end) continue;
      stretches.push_back({begin, end, run.place + (begin - run.offset), static_cast<int>(i)});
    }
  }
  std::sort(stretches.begin(), stretches.end(),
            [](const Stretch& a, const Stretch& b) { return a.begin < b.begin; });
  const size_t first = pieces_.size();
  uint64_t covered = checked.offset;
  for (const Stretch& stretch : stretches) {
    if (stretch.begin > covered || stretch.end <= covered) continue;
    pieces_.push_back({ranges_.size(), stretch.part, stretch.place + (covered - stretch.begin),
                       stretch.end - covered});
    covered = stretch.end;
  }
  if (covered < checked.offset + checked.bytes) {
    pieces_.resize(first, Piece());
  } else {
    ranges_.push_back({&checked, first, pieces_.size()});
  }
}

bool Checksums::awaits(int part) const {
  const std::vector<size_t>& own = by_part_[static_cast<size_t>(part)];
  return std::any_of(own.begin(), own.end(), [&](size_t i) { return !pieces_[i].found; });
}

std::vector<uint32_t> Checksums::compute(int part, const std::byte* region) const {
  std::vector<uint32_t> found;
  for (const size_t i : by_part_[static_cast<size_t>(part)]) {
    found.push_back(crc32({region + pieces_[i].place, pieces_[i].bytes}));
  }
  return found;
}

Checksums::Verdict Checksums::note(int part, const std::vector<uint32_t>& found) {
  const std::vector<size_t>& own = by_part_[static_cast<size_t>(part)];
  for (size_t i = 0; i < own.size(); ++i) pieces_[own[i]].found = found[i];
  Verdict verdict;
  for (const size_t i : own) {
    const Range& range = ranges_[pieces_[i].range];
    const Status status = is_judged(range) ? judge(range) : Status();
    if (status.ok()) continue;
    verdict.status = status;
    for (size_t at = range.first; at < range.last; ++at) {
      verdict.suspects.push_back(pieces_[at].part);
    }
  }
  if (!verdict.status.ok()) forget(part);
  return verdict;
}

void Checksums::forget(int part) {
  for (const size_t i : by_part_[static_cast<size_t>(part)]) pieces_[i].found.reset();
}

// Whether all of it is known.
bool Checksums::is_judged(const Range& range) const {
  return std::all_of(pieces_.begin() + static_cast<ptrdiff_t>(range.first),
                     pieces_.begin() + static_cast<ptrdiff_t>(range.last),
                     [](const Piece& piece) { return piece.found.has_value(); });
}

Status Checksums::judge(const Range& range) const {
  uint32_t whole = 0;
  for (size_t i = range.first; i < range.last; ++i) {
    whole = crc32_combine(whole, *pieces_[i].found, pieces_[i].bytes);
  }
  const CheckedRange& checked = *range.checked;
  if (whole == checked.crc32) return {};
  const std::string& path = model_.file(checked.file, Access::buffered).path();
  const std::string end = std::to_string(checked.offset + checked.bytes);
  return Status(Code::corrupt,
                "the bytes of " + path + " from offset " + std::to_string(checked.offset) + " to " +
                    end + ", '" + checked.name +
                    "', are not those that were written; convert the model again",
                {{"offset", static_cast<double>(checked.offset)},
                 {"bytes", static_cast<double>(checked.bytes)}});
}

}  // namespace hyperion
