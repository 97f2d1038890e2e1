#include "compute/team.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace hyperion::test {
namespace {

TEST(Team, RunsEachTaskOnceWhateverTheCounts) {
  for (const size_t threads : {0, 1, 2, 3, 9}) {
    Team team(threads);
    EXPECT_EQ(team.size(), std::max<size_t>(threads, 1));
    for (const size_t tasks : {0, 1, 2, 5, 100, 1000}) {
      std::vector<std::atomic<int>> times(tasks);
      team.run(tasks, [&](size_t task) { times.at(task)++; });
      for (size_t i = 0; i < tasks; i++) ASSERT_EQ(times[i], 1) << i << " of " << tasks;
    }
  }
}

TEST(Team, WhatTasksWroteIsVisibleAfterRun) {
  // Plain writes, many short runs, far more threads than cores: a missing order or a lost task
  // shows here.
  const size_t threads = 4 * std::thread::hardware_concurrency() + 3;
  Team team(threads);
  std::vector<size_t> written(64);
  for (size_t round = 1; round <= 3000; round++) {
    const size_t tasks = 1 + round % written.size();
    team.run(tasks, [&](size_t task) { written[task] = round * 1000 + task; });
    for (size_t i = 0; i < tasks; i++) ASSERT_EQ(written[i], round * 1000 + i);
  }
}

TEST(Team, SeveralTeamsWorkSideBySide) {
  std::vector<std::thread> owners;
  std::vector<size_t> sums(6);
  for (size_t owner = 0; owner < sums.size(); owner++)
    owners.emplace_back([&, owner] {
      Team team(3);
      std::atomic<size_t> sum{0};
      for (size_t round = 0; round < 500; round++) team.run(10, [&](size_t task) { sum += task; });
      sums[owner] = sum;
    });
  for (std::thread& owner : owners) owner.join();
  for (const size_t sum : sums) EXPECT_EQ(sum, 500 * 45u);
}

TEST(Team, OtherThreadsTakeTasksWhileOneIsLong) {
  // Task 0 ends only once all the others have: with one thread this would never return.
  Team team(2);
  for (int round = 0; round < 50; round++) {
    std::atomic<size_t> others{0};
    team.run(8, [&](size_t task) {
      if (task > 0) others++;
      while (task == 0 && others < 7) std::this_thread::yield();
    });
    EXPECT_EQ(others, 7u);
  }
}

TEST(Team, OfAnotherSizeHasNoMoreThreadsAtATime) {
  Team team(4);
  for (const size_t size : {2, 1, 3, 9, 0, 4}) {
    team.resize(size);
    EXPECT_EQ(team.size(), std::clamp<size_t>(size, 1, 4));
    std::atomic<size_t> inside{0}, most{0}, ran{0};
    for (int round = 0; round < 100; round++) {
      team.run(16, [&](size_t) {
        const size_t now = ++inside;
        for (size_t seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        std::this_thread::yield();
        --inside;
        ran++;
      });
    }
    EXPECT_EQ(ran, 1600u);
    EXPECT_LE(most, team.size());
  }
}

TEST(Team, EndsWhetherUsedIdleOrJustBusy) {
  for (int round = 0; round < 200; round++) {
    Team team(4);
    if (round % 2) team.run(4, [](size_t) {});
  }
}

TEST(FunctionRef, RefersToTheCallableItself) {
  int calls = 0;
  auto count = [&calls](size_t by) { calls += static_cast<int>(by); };
  const FunctionRef<void(size_t)> reference = count;
  reference(2);
  FunctionRef<void(size_t)>{reference}(3);
  EXPECT_EQ(calls, 5);
}

}  // namespace
}  // namespace hyperion::test
