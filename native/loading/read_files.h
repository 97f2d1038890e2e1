// What the disk can give, to hold loading against.
#pragma once

#include "model/model.h"

namespace hyperion {

// Reads every file of the model once, past the page cache and in order, with so many threads and
// the requests of a load, and keeps nothing. Outside of any session, so outside of any budget: it
// holds kMaxReadBytes for each thread. UNSUPPORTED without direct reads, IO, OUT_OF_MEMORY.
Status read_files(const Model& model, size_t readers);

}  // namespace hyperion
