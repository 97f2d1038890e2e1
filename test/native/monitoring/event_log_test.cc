#include "monitoring/event_log.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace hyperion {
namespace {

Event numbered(int layer) {
  return {0, EventKind::loaded, layer, 0, {}, 0, 0};
}

std::vector<int> layers_of(const EventLog::Drained& drained) {
  std::vector<int> layers;
  for (const Event& event : drained.events) layers.push_back(event.layer);
  return layers;
}

TEST(EventLog, KeepsTheNewestAndCountsTheLost) {
  std::array<Event, 4> storage;
  EventLog log;
  log.start(storage);
  for (int i = 0; i < 7; ++i) log.record(numbered(i));
  const EventLog::Drained drained = log.drain();
  EXPECT_EQ(layers_of(drained), (std::vector<int>{3, 4, 5, 6}));
  EXPECT_EQ(drained.lost, 3u);
}

TEST(EventLog, DrainsEachEventOnce) {
  std::array<Event, 4> storage;
  EventLog log;
  log.start(storage);
  log.record(numbered(1));
  EXPECT_EQ(layers_of(log.drain()), (std::vector<int>{1}));
  log.record(numbered(2));
  const EventLog::Drained drained = log.drain();
  EXPECT_EQ(layers_of(drained), (std::vector<int>{2}));
  EXPECT_EQ(drained.lost, 0u);
}

TEST(EventLog, RecordsNothingUnlessStarted) {
  std::array<Event, 4> storage;
  EventLog log;
  log.record(numbered(1));
  log.start(storage);
  log.record(numbered(2));
  log.stop();
  log.record(numbered(3));
  EXPECT_TRUE(log.drain().events.empty());
}

TEST(EventLog, LosesNoCountWhenThreadsRecordAndDrain) {
  std::array<Event, 16> storage;
  EventLog log;
  log.start(storage);
  const auto record = [&] {
    for (int i = 0; i < 3000; ++i) log.record(numbered(i));
  };
  std::thread first(record);
  std::thread second(record);
  uint64_t seen = 0;
  const auto take = [&] {
    const EventLog::Drained drained = log.drain();
    seen += drained.events.size() + drained.lost;
  };
  for (int i = 0; i < 200; ++i) take();
  first.join();
  second.join();
  take();
  EXPECT_EQ(seen, 6000u);
}

}  // namespace
}  // namespace hyperion
