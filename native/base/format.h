// Numbers as people read them, for the sentences of errors.
#pragma once

#include <cstdint>
#include <string>

namespace hyperion {

// "412.3 MiB", "96 B", or "unlimited" for the largest value.
std::string format_bytes(uint64_t bytes);

}  // namespace hyperion
