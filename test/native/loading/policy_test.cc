// What every policy keeps to, and what each of them gives up.
#include "loading/policy.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "support/stores.h"

namespace hyperion {
namespace {

struct Named {
  const char* name;
  PolicyKind kind;
};

constexpr Named kPolicies[] = {{"Cyclic", PolicyKind::cyclic},
                               {"Lru", PolicyKind::lru},
                               {"Mfu", PolicyKind::mfu},
                               {"Fifo", PolicyKind::fifo},
                               {"Priority", PolicyKind::priority}};

class EveryPolicy : public testing::TestWithParam<Named> {
 protected:
  PolicyKind kind() const { return GetParam().kind; }
};

TEST_P(EveryPolicy, BringsTheRightBytesAndHoldsTheBudget) {
  for (const size_t window : {0u, 1u, 3u}) {
    for (const uint64_t budget : {5u, 8u, 11u, 16u}) {
      Store store({3, 1, 4, 1, 5, 2}, budget, window, 2, kind());
      for (int i = 0; i < 6; ++i) store->set_priority(i, i % 3);
      for (int pass = 0; pass < 4; ++pass) store.walk();
      EXPECT_LE(store.monitor().counters.snapshot().peak, budget * kPage);
      if (budget == 16) {
        EXPECT_EQ(store->statistics().loads, 6u);
      }
    }
  }
}

TEST_P(EveryPolicy, GivesUpNothingThatIsPinned) {
  Store store(std::vector<uint64_t>(5, 1), 3, 0, 1, kind());
  store.begin_pass();
  Result<PartPin> first = store.acquire(2);
  Result<PartPin> second = store.acquire(3);
  ASSERT_TRUE(first.ok() && second.ok());
  for (const int layer : {0, 1, 4, 0, 1, 4}) store.visit(layer);
  EXPECT_EQ(store.acquire(2).status().code(), Code::ok);
  EXPECT_EQ(store.acquire(3).status().code(), Code::ok);
  EXPECT_EQ(store->statistics().hits, 2u);
}

TEST_P(EveryPolicy, GivesUpAllForOtherMemory) {
  Store store(std::vector<uint64_t>(3, 1), 3, 0, 1, kind());
  store.walk();
  EXPECT_TRUE(Region::allocate(store.memory(), Tag::kv_cache, 3 * kPage).ok());
  EXPECT_TRUE(store->resident_layers().empty());
}

// What the rules say of one another's victims, in the plainest words.
TEST_P(EveryPolicy, IsAStrictOrder) {
  const std::unique_ptr<const Policy> policy = make_policy(kind());
  std::mt19937 random(1);
  const auto any = [&](uint64_t below) { return random() % below; };
  std::vector<PartUse> uses(40);
  for (PartUse& use : uses) {
    use = {any(9), any(9), any(4), static_cast<double>(any(3)), any(2) == 0, any(9)};
  }
  for (const PartUse& a : uses) {
    EXPECT_FALSE(policy->gives_way_before(a, a));
    for (const PartUse& b : uses) {
      EXPECT_FALSE(policy->gives_way_before(a, b) && policy->gives_way_before(b, a));
      for (const PartUse& c : uses) {
        if (policy->gives_way_before(a, b) && policy->gives_way_before(b, c)) {
          EXPECT_TRUE(policy->gives_way_before(a, c));
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, EveryPolicy, testing::ValuesIn(kPolicies),
                         [](const testing::TestParamInfo<Named>& info) { return info.param.name; });

// A cache of so many equal parts, told in a few lines: what goes is the smallest by `rank`.
class Model {
 public:
  struct Entry {
    uint64_t loaded, used;
  };
  using Rank = uint64_t (*)(const Entry&);

  Model(size_t room, Rank rank) : room_(room), rank_(rank) {}

  bool hits(int part) {
    ++clock_;
    const auto found = held_.find(part);
    if (found != held_.end()) {
      found->second.used = clock_;
      return true;
    }
    if (held_.size() == room_) {
      held_.erase(std::min_element(held_.begin(), held_.end(), [&](const auto& a, const auto& b) {
        return rank_(a.second) < rank_(b.second);
      }));
    }
    held_[part] = {clock_, clock_};
    return false;
  }

 private:
  const size_t room_;
  const Rank rank_;
  uint64_t clock_ = 0;
  std::map<int, Entry> held_;
};

void expect_hits_of(Model model, PolicyKind kind) {
  Store store(std::vector<uint64_t>(12, 1), 5, 0, 1, kind);
  store.begin_pass();
  std::mt19937 random(7);
  for (int step = 0; step < 2000; ++step) {
    const int part = static_cast<int>(std::min(random() % 12, random() % 12));
    const uint64_t before = store->statistics().hits;
    store.visit(part);
    ASSERT_EQ(store->statistics().hits - before, model.hits(part) ? 1u : 0u) << "at " << step;
  }
}

TEST(Policy, LruGivesUpWhatWasNotUsedForLongest) {
  expect_hits_of(Model(5, [](const Model::Entry& entry) { return entry.used; }), PolicyKind::lru);
}

TEST(Policy, FifoGivesUpWhatWasLoadedFirst) {
  expect_hits_of(Model(5, [](const Model::Entry& entry) { return entry.loaded; }),
                 PolicyKind::fifo);
}

// Of a scan that is longer than the room, recency and age keep nothing; a set that stays does.
TEST(Policy, OnACyclicScanOnlyACyclicSetHits) {
  for (const auto& [name, kind] : kPolicies) {
    Store store(std::vector<uint64_t>(8, 1), 5, 0, 1, kind);
    for (int pass = 0; pass < 5; ++pass) store.walk();
    const uint64_t hits = store->statistics().hits;
    const bool forgets = kind == PolicyKind::lru || kind == PolicyKind::fifo;
    EXPECT_EQ(hits == 0, forgets) << name;
    EXPECT_TRUE(forgets || hits >= 4u * 4) << name << " hits " << hits;
  }
}

TEST(Policy, MfuGivesUpWhatWasUsedMost) {
  Store store(std::vector<uint64_t>(4, 1), 3, 0, 1, PolicyKind::mfu);
  store.begin_pass();
  for (const int part : {0, 1, 1, 1, 2, 0, 3}) store.visit(part);
  EXPECT_EQ(store->resident_layers(), (std::vector<int>{0, 2, 3}));
}

TEST(Policy, ThoseOfAHigherPriorityStay) {
  Store store(std::vector<uint64_t>(8, 1), 4, 2, 1, PolicyKind::priority);
  for (const int part : {2, 5}) store->set_priority(part, 1);
  store.walk();
  for (int pass = 0; pass < 4; ++pass) {
    const uint64_t before = store->statistics().loads;
    store.walk();
    EXPECT_LE(store->statistics().loads - before, 6u + 2);  // two may be those of the next pass
    const std::vector<int> held = store->resident_layers();
    for (const int part : {2, 5}) EXPECT_EQ(std::count(held.begin(), held.end(), part), 1);
  }
}

}  // namespace
}  // namespace hyperion
