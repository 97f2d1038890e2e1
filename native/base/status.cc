#include "base/status.h"

namespace hyperion {

const char* code_name(Code code) {
  switch (code) {
    case Code::ok:
      return "OK";
    case Code::over_budget:
      return "OVER_BUDGET";
    case Code::out_of_memory:
      return "OUT_OF_MEMORY";
    case Code::bad_format:
      return "BAD_FORMAT";
    case Code::corrupt:
      return "CORRUPT";
    case Code::io:
      return "IO";
    case Code::unsupported:
      return "UNSUPPORTED";
    case Code::cancelled:
      return "CANCELLED";
    case Code::invalid:
      return "INVALID";
    case Code::closed:
      return "CLOSED";
  }
  return "INVALID";
}

void add_detail(Details& details, const std::string& name, double value) {
  for (const auto& detail : details) {
    if (detail.first == name) return;
  }
  details.emplace_back(name, value);
}

}  // namespace hyperion
