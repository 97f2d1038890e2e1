// What the operating system says of this process and machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hyperion {

// Bytes. 0 where the operating system does not tell.
struct ProcessMemory {
  uint64_t resident = 0;       // resident set now
  uint64_t resident_peak = 0;  // its high-water mark since start or the last reset
  uint64_t file_backed = 0;    // the part of `resident` that maps files
};

ProcessMemory process_memory();

// Restarts the high-water mark at the present resident set. False where unsupported.
bool reset_resident_peak();

// Cores that this process may run on, at least 1.
size_t available_cores();

// Names of the vector extensions that this CPU has and the kernels may care for, e.g. "avx2".
std::vector<std::string> cpu_features();

}  // namespace hyperion
