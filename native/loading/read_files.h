// What the disk can give, to hold loading against.
#pragma once

#include "model/model.h"

namespace hyperion {

// Reads every file of the model once, past the page cache and in order, with so many threads and
// the requests of a load, and keeps nothing; in bytes per second. Each thread reads into so many
// buffers of kMaxReadBytes in turn, outside of any session, so outside of any budget.
// REQUIRES: at least one of either. UNSUPPORTED without direct reads, IO, OUT_OF_MEMORY.
Result<double> read_files(const Model& model, size_t readers, size_t buffers);

}  // namespace hyperion
