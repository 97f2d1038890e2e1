// The engine's one clock.
#pragma once

#include <chrono>

namespace hyperion {

// Milliseconds on a monotonic clock with an arbitrary origin.
inline double now_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace hyperion
