// What the disk can give, to hold loading against.
#pragma once

#include "model/model.h"

namespace hyperion {

// Reads every file of the model once, past the page cache and in order, with so many threads and
// the requests of a load, and keeps nothing; in bytes per second. Outside of any session, so
// outside of any budget: it holds kMaxReadBytes for each thread. UNSUPPORTED without direct reads,
// IO, OUT_OF_MEMORY.
Result<double> read_files(const Model& model, size_t readers);

}  // namespace hyperion
