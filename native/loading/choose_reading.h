// Which way of reading a model's files is the fastest here.
#pragma once

#include <cstddef>

#include "base/status.h"
#include "model/model.h"

namespace hyperion {

// How weights are read, as a user asks for it: `automatic` is measured before the first load.
// Mapped ones all stay, in their files' page cache.
enum class Io { automatic, direct, uring, buffered, mapped };

// How reading begins: `automatic` as the files allow.
Access first_access(const Model& model, Io io);

struct Reading {
  Access access = Access::buffered;
  double bytes_per_second = 0;  // 0 when it was not measured
};

// UNSUPPORTED, saying why, when the model's files cannot be read in this way here.
Status check_access(const Model& model, Access access);

// Measures threads and a ring by some tens of megabytes of the model's largest file each, with so
// many reads at once, once for each device in the life of the process; that takes some tens of
// milliseconds, and 4 MiB of memory for each read at once, which are given back. A ring is chosen
// where it is clearly faster, the page cache only where direct reads are refused. Models too small
// to measure are read by threads. Never Access::mapped. Thread-safe.
Reading choose_reading(const Model& model, size_t at_once);

}  // namespace hyperion
