// A block as the resources that keep records list it: what it is for, and how old it is.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hyperion {

struct LiveBlock {
  const std::byte* address;
  uint64_t bytes;
  uint16_t tag;
  uint64_t sequence;  // which allocation it was, counted from 1
};

}  // namespace hyperion
