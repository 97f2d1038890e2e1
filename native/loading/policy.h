// Which parts give way when the room for weights is used up: one strategy each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace hyperion {

enum class PolicyKind {
  cyclic,  // a set that stays for good, chosen in advance; of the rest, what is needed latest goes
  lru,     // the least recently used goes
  mfu,     // the most frequently used goes: it has had its turn
  fifo,    // the one that was loaded first goes
  priority,  // the lowest priority goes, which the user has given; of equal ones, what is needed
             // latest
};

// What a policy knows of a part.
struct PartUse {
  uint64_t loaded_at = 0;  // by a clock that counts loads and uses; 0 = never
  uint64_t used_at = 0;
  uint64_t uses = 0;
  double priority = 0;
  bool kept = false;    // chosen to stay from pass to pass
  size_t next_use = 0;  // steps, kNever when none is foreseen
};

// Immutable.
class Policy {
 public:
  virtual ~Policy() = default;

  // Whether `left` gives way rather than `right`. A strict weak ordering.
  virtual bool gives_way_before(const PartUse& left, const PartUse& right) const = 0;

  // Whether a part that is read ahead may take the room of another that is needed later.
  virtual bool yields(const PartUse& /*stays*/, const PartUse& /*comes*/) const { return true; }

  // Whether a set that stays is chosen in advance, even where not everything fits.
  virtual bool keeps_a_set() const { return false; }
};

std::unique_ptr<const Policy> make_policy(PolicyKind kind);

}  // namespace hyperion
