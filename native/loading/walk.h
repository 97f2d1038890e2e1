// Which parts a pass acquires, in order, and how far it has come: what is read ahead and what can be
// given up follow from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace hyperion {

// Steps to a use that is not foreseen.
inline constexpr size_t kNever = std::numeric_limits<size_t>::max();

class Walk {
 public:
  explicit Walk(size_t parts) : uses_(parts) {}

  // Begins a pass over `order`, after which one over `next_order` is foreseen.
  void begin(std::vector<int> order, const std::vector<int>& next_order);

  // Moves to the next visit of the part, if there is one.
  void advance(int part);

  // Steps from where the walk is to the part's next visit: 0 while it is there.
  size_t next_use(int part) const;

  // The part that is visited so many steps from here. REQUIRES: steps < left().
  int at(size_t steps) const { return upcoming_[cursor_ + steps]; }
  size_t left() const { return upcoming_.size() - cursor_; }

 private:
  std::vector<int> upcoming_;               // this pass's parts, then the next one's
  std::vector<std::vector<size_t>> uses_;  // by part: where it stands in upcoming_, ascending
  size_t cursor_ = 0;
};

}  // namespace hyperion
