#include "loading/policy.h"

namespace hyperion {
namespace {

class Cyclic final : public Policy {
 public:
  bool gives_way_before(const PartUse& left, const PartUse& right) const override {
    if (left.kept != right.kept) return right.kept;
    return left.next_use > right.next_use;
  }
  bool keeps_a_set() const override { return true; }
};

class Lru final : public Policy {
 public:
  bool gives_way_before(const PartUse& left, const PartUse& right) const override {
    return left.used_at < right.used_at;
  }
};

class Mfu final : public Policy {
 public:
  bool gives_way_before(const PartUse& left, const PartUse& right) const override {
    if (left.uses != right.uses) return left.uses > right.uses;
    return left.next_use > right.next_use;
  }
};

class Fifo final : public Policy {
 public:
  bool gives_way_before(const PartUse& left, const PartUse& right) const override {
    return left.loaded_at < right.loaded_at;
  }
};

class Priority final : public Policy {
 public:
  bool gives_way_before(const PartUse& left, const PartUse& right) const override {
    if (left.priority != right.priority) return left.priority < right.priority;
    return left.next_use > right.next_use;
  }
  bool yields(const PartUse& stays, const PartUse& comes) const override {
    return stays.priority <= comes.priority;
  }
};

}  // namespace

std::unique_ptr<const Policy> make_policy(PolicyKind kind) {
  switch (kind) {
    case PolicyKind::lru:
      return std::make_unique<Lru>();
    case PolicyKind::mfu:
      return std::make_unique<Mfu>();
    case PolicyKind::fifo:
      return std::make_unique<Fifo>();
    case PolicyKind::priority:
      return std::make_unique<Priority>();
    case PolicyKind::cyclic:
      break;
  }
  return std::make_unique<Cyclic>();
}

}  // namespace hyperion
