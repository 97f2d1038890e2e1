#include "loading/part_layout.h"

#include <algorithm>

#include "base/checked.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

// Where a piece lies in its file.
struct Stretch {
  uint64_t file;
  uint64_t begin;
  uint64_t end;
};

Stretch stretch_of(const Model& model, const Piece& piece) {
  const Tensor& tensor = model.tensors()[piece.tensor];
  return {tensor.file, tensor.offset + piece.begin, tensor.offset + piece.end};
}

// REQUIRES: the stretches are sorted and none is empty.
std::vector<Run> coalesce(const std::vector<Stretch>& stretches) {
  std::vector<Run> runs;
  for (const Stretch& stretch : stretches) {
    const uint64_t begin = round_down(stretch.begin, kDirectAlignment);
    const uint64_t end = round_up(stretch.end, kDirectAlignment);
    if (!runs.empty() && runs.back().file == stretch.file &&
        begin <= runs.back().offset + runs.back().bytes) {
      Run& run = runs.back();
      run.bytes = std::max(run.bytes, end - run.offset);
      run.required = std::max(run.required, stretch.end - run.offset);
    } else {
      runs.push_back({stretch.file, begin, end - begin, stretch.end - begin, 0});
    }
  }
  return runs;
}

}  // namespace

PartLayout lay_out(const Model& model, std::span<const Piece> pieces) {
  std::vector<Stretch> stretches;
  for (const Piece& piece : pieces) {
    if (piece.begin < piece.end) stretches.push_back(stretch_of(model, piece));
  }
  std::sort(stretches.begin(), stretches.end(), [](const Stretch& a, const Stretch& b) {
    return a.file != b.file ? a.file < b.file : a.begin < b.begin;
  });

  PartLayout layout;
  layout.runs = coalesce(stretches);
  for (Run& run : layout.runs) {
    run.place = layout.bytes;
    layout.bytes += run.bytes;
  }
  layout.bytes = round_up(layout.bytes, kPageSize);
  for (const Piece& piece : pieces) {
    const Stretch stretch = stretch_of(model, piece);
    PiecePlace place = {piece, 0};
    for (const Run& run : layout.runs) {
      const bool inside = run.file == stretch.file && stretch.begin >= run.offset &&
                          stretch.begin < run.offset + run.bytes;
      if (inside) place.place = run.place + (stretch.begin - run.offset);
    }
    layout.pieces.push_back(place);
  }
  return layout;
}

PartLayout lay_out(const Model& model, std::span<const uint32_t> tensors) {
  std::vector<Piece> pieces;
  for (const uint32_t tensor : tensors) {
    pieces.push_back({tensor, 0, model.tensors()[tensor].bytes});
  }
  return lay_out(model, pieces);
}

}  // namespace hyperion
