// Status and Result: how every engine function reports failure. The engine never throws; the addon
// alone turns a Status into a JavaScript error.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace hyperion {

enum class Code {
  ok,
  over_budget,
  out_of_memory,
  bad_format,
  corrupt,
  io,
  unsupported,
  cancelled,
  invalid,
  closed,
};

// The code's name in the API, e.g. "OVER_BUDGET". "OK" for Code::ok.
const char* code_name(Code code);

// Numbers that belong to a failure, e.g. {"smallestBudgetBytes", 315621376}.
using Details = std::vector<std::pair<std::string, double>>;

// Adds a number unless there is one of that name.
void add_detail(Details& details, const std::string& name, double value);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message, Details details = {})
      : code_(code), message_(std::move(message)), details_(std::move(details)) {}

  bool ok() const { return code_ == Code::ok; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  const Details& details() const { return details_; }

 private:
  Code code_ = Code::ok;
  std::string message_;
  Details details_;
};

// A value or the Status that explains its absence.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  // REQUIRES: !status.ok()
  Result(Status status) : status_(std::move(status)) {}
  // Of what converts to T: an owner of a derived class, say.
  template <typename U>
    requires std::is_convertible_v<U, T>
  Result(Result<U> other) : status_(other.status()) {
    if (other.ok()) value_ = std::move(other.value());
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  // REQUIRES: ok()
  T& value() { return *value_; }
  const T& value() const { return *value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace hyperion
