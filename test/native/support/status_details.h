// The numbers of a status, by name.
#pragma once

#include <limits>
#include <string>

#include "base/status.h"

namespace hyperion {

// Not a number when the status has no such detail.
inline double detail(const Status& status, const std::string& name) {
  for (const auto& [key, value] : status.details()) {
    if (key == name) return value;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace hyperion
