// Where a part's bytes lie in the files, and where they will lie in memory: aligned runs that
// direct reads bring straight into place.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/model.h"

namespace hyperion {

// Bytes [begin, end) of a tensor.
struct Piece {
  uint32_t tensor;
  uint64_t begin;
  uint64_t end;
};

// One stretch of a file. Offset and bytes are multiples of kDirectAlignment; the last run of a file
// may reach past its end.
struct Run {
  uint64_t file;
  uint64_t offset;
  uint64_t bytes;
  uint64_t required;  // bytes from `offset` that hold tensors and must come
  uint64_t place;     // where the run starts in the part's region
};

struct PiecePlace {
  Piece piece;
  uint64_t place;  // bytes from the start of the part's region
};

struct PartLayout {
  std::vector<Run> runs;  // by file and offset; they neither overlap nor touch
  std::vector<PiecePlace> pieces;
  uint64_t bytes = 0;  // of the region: the sum of the runs, in whole pages
};

// What is loaded and given up as one.
struct StoredPart {
  std::string name;  // of its layer
  int layer;
  PartLayout layout;
};

// REQUIRES: pieces lie within tensors of the model's table; repetitions are allowed.
PartLayout lay_out(const Model& model, std::span<const Piece> pieces);

// The same for whole tensors.
PartLayout lay_out(const Model& model, std::span<const uint32_t> tensors);

}  // namespace hyperion
