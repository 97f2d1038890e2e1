#include "loading/walk.h"

#include <algorithm>

namespace hyperion {

void Walk::begin(std::vector<int> order, const std::vector<int>& next_order) {
  upcoming_ = std::move(order);
  upcoming_.insert(upcoming_.end(), next_order.begin(), next_order.end());
  cursor_ = 0;
  for (std::vector<size_t>& uses : uses_) uses.clear();
  for (size_t i = 0; i < upcoming_.size(); ++i) {
    uses_[static_cast<size_t>(upcoming_[i])].push_back(i);
  }
}

void Walk::advance(int part) {
  const size_t steps = next_use(part);
  if (steps != kNever) cursor_ += steps;
}

size_t Walk::next_use(int part) const {
  const std::vector<size_t>& uses = uses_[static_cast<size_t>(part)];
  const auto next = std::lower_bound(uses.begin(), uses.end(), cursor_);
  return next == uses.end() ? kNever : *next - cursor_;
}

}  // namespace hyperion
