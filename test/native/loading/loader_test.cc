#include "loading/loader.h"

#include <gtest/gtest.h>

#include <future>
#include <random>
#include <thread>

#include "support/models.h"
#include "support/status_details.h"

namespace hyperion {
namespace {

constexpr uint64_t kPage = 4096;
constexpr int kLayers = 12;

// Layers of one to four pages, each of one tensor.
class Lab {
 public:
  Lab() {
    ModelBuilder builder;
    for (int i = 0; i < kLayers; ++i) {
      const uint64_t pages = 1 + static_cast<uint64_t>(i) % 4;
      builder.add("tensor" + std::to_string(i), {pages * kPage / 4});
      layers_.push_back({"layer" + std::to_string(i), {static_cast<uint32_t>(i)}});
    }
    fake_ = builder.build();
  }

  Result<std::shared_ptr<Loader>> open(const LoaderOptions& options) {
    return Loader::create(fake_.model, layers_, options);
  }

  bool is_true(int layer, std::span<const std::byte> memory) const {
    const auto expected = std::as_bytes(std::span(fake_.values[static_cast<size_t>(layer)]));
    return std::equal(expected.begin(), expected.end(), memory.begin());
  }

  bool are_values_of(int layer, const std::vector<float>& values) const {
    return values == fake_.values[static_cast<size_t>(layer)];
  }

  size_t elements_of(int layer) const { return fake_.values[static_cast<size_t>(layer)].size(); }

  FakeFile& file() { return *fake_.file; }

 private:
  FakeModel fake_;
  std::vector<LoaderLayer> layers_;
};

// A request's end, waited for.
class Outcome {
 public:
  Loader::Done done() {
    return [promise = promise_](const Status& status) { promise->set_value(status); };
  }
  Status wait() { return future_.get(); }
  bool is_there() const {
    return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

 private:
  std::shared_ptr<std::promise<Status>> promise_ = std::make_shared<std::promise<Status>>();
  std::future<Status> future_ = promise_->get_future();
};

Status load(Loader& loader, uint64_t request, int layer, bool pins = false) {
  Outcome outcome;
  loader.load(request, layer, {}, pins, outcome.done());
  return outcome.wait();
}

TEST(Loader, RequestsEndInTheirOrderAndThoseThatWaitCanBeCancelled) {
  Lab lab;
  const std::shared_ptr<Loader> loader = lab.open({}).value();
  lab.file().shut_gate();
  Outcome first, second, third;
  loader->load(1, 0, {}, true, first.done());
  loader->load(2, 5, {}, true, second.done());
  loader->load(3, 6, {}, false, third.done());
  lab.file().await_waiting(1);
  loader->cancel(2);
  EXPECT_EQ(second.wait().code(), Code::cancelled);
  EXPECT_FALSE(first.is_there());
  lab.file().open_gate();
  EXPECT_TRUE(first.wait().ok());
  EXPECT_TRUE(third.wait().ok());
  EXPECT_TRUE(lab.is_true(0, loader->memory_of(1)));
  EXPECT_TRUE(loader->release(1));
  EXPECT_FALSE(loader->release(1));
  EXPECT_FALSE(loader->release(2));
}

// A read that is under way holds nobody: the wait ends when it is woken, and the read goes on.
TEST(Loader, ACancelEndsALoadWithinFiftyMillisecondsOfADiskThatAnswersNothing) {
  Lab lab;
  const std::shared_ptr<Loader> loader = lab.open({.readers = 2}).value();
  lab.file().shut_gate();
  double least = 1e9;
  for (uint64_t attempt = 1; attempt <= 5; ++attempt) {
    Outcome outcome;
    loader->load(attempt, static_cast<int>(attempt), {}, true, outcome.done());
    lab.file().await_waiting(1);
    const double began = now_ms();
    loader->cancel(attempt);
    EXPECT_EQ(outcome.wait().code(), Code::cancelled);
    least = std::min(least, now_ms() - began);
  }
  EXPECT_LT(least, 50);
  lab.file().open_gate();
  EXPECT_TRUE(load(*loader, 9, 1).ok());
}

TEST(Loader, RefusesWhatItCannotDoBeforeItAllocates) {
  Lab lab;
  EXPECT_EQ(lab.open({.io = Io::mapped}).status().code(), Code::unsupported);
  EXPECT_EQ(lab.open({.io = Io::direct}).status().code(), Code::unsupported);
  const Status small = lab.open({.budget = 4 * kPage - 1}).status();
  EXPECT_EQ(small.code(), Code::over_budget);
  EXPECT_EQ(detail(small, "smallestBudgetBytes"), 4 * kPage);
  EXPECT_EQ(live_bytes(), 0u);
}

TEST(Loader, ClosingEndsWhatRunsAndWhatWaits) {
  Lab lab;
  const std::shared_ptr<Loader> loader = lab.open({}).value();
  lab.file().shut_gate();
  Outcome running, waiting;
  loader->load(1, 0, {}, true, running.done());
  loader->load(2, 1, {}, true, waiting.done());
  lab.file().await_waiting(1);
  loader->begin_close();
  EXPECT_EQ(running.wait().code(), Code::closed);
  EXPECT_EQ(waiting.wait().code(), Code::closed);
  std::thread opener([&] { lab.file().open_gate(); });
  loader->close();
  opener.join();
  Outcome late;
  loader->load(3, 0, {}, true, late.done());
  EXPECT_EQ(late.wait().code(), Code::closed);
  EXPECT_EQ(live_bytes(), 0u);
}

TEST(Loader, AReadErrorNamesTheLayerAndTheNextTryMaySucceed) {
  Lab lab;
  const std::shared_ptr<Loader> loader = lab.open({.prefetch_window = 0}).value();
  lab.file().fail_read(0, true);
  const Status status = load(*loader, 1, 7, true);
  EXPECT_EQ(status.code(), Code::io);
  EXPECT_NE(status.message().find("layer7"), std::string::npos);
  EXPECT_EQ(loader->report().layers[7].state, LayerState::error);
  lab.file().heal();
  EXPECT_TRUE(load(*loader, 2, 7, true).ok());
  EXPECT_EQ(loader->report().layers[7].state, LayerState::loaded);
  EXPECT_TRUE(lab.is_true(7, loader->memory_of(2)));
}

TEST(Loader, StatesOfLayersAreToldWhileTheyChange) {
  Lab lab;
  const std::shared_ptr<Loader> loader = lab.open({.prefetch_window = 1}).value();
  lab.file().shut_gate();
  Outcome loaded, unloaded;
  loader->load(1, 2, {}, false, loaded.done());
  lab.file().await_waiting(2);
  EXPECT_EQ(loader->report().layers[2].state, LayerState::loading);
  EXPECT_EQ(loader->report().layers[3].state, LayerState::prefetching);
  EXPECT_EQ(loader->report().layers[4].state, LayerState::unloaded);
  loader->cancel(1);
  EXPECT_EQ(loaded.wait().code(), Code::cancelled);
  loader->unload(2, 3, unloaded.done());
  while (loader->report().layers[3].state != LayerState::unloading) std::this_thread::yield();
  lab.file().open_gate();
  EXPECT_TRUE(unloaded.wait().ok());
  EXPECT_EQ(loader->report().layers[3].state, LayerState::unloaded);
}

// Loads, pins, looks, releases, unloads and other budgets in random order.
void stress(Lab& lab, Loader& loader, unsigned seed, int operations) {
  std::mt19937 random(seed);
  const auto below = [&](uint64_t most) { return static_cast<int>(random() % most); };
  struct Held {
    uint64_t pin;
    int layer;
  };
  std::vector<Held> held;
  const auto let_go = [&](size_t i) {
    EXPECT_TRUE(lab.is_true(held[i].layer, loader.memory_of(held[i].pin)));
    EXPECT_TRUE(loader.release(held[i].pin));
    held.erase(held.begin() + static_cast<ptrdiff_t>(i));
  };
  for (uint64_t request = 1; request <= static_cast<uint64_t>(operations); ++request) {
    const int layer = below(kLayers);
    Outcome outcome;
    switch (below(10)) {
      case 0:
      case 1:
      case 2: {
        EXPECT_TRUE(load(loader, request, layer, false).ok() || held.size() > 0);
        break;
      }
      case 3:
      case 4:
      case 5: {
        if (load(loader, request, layer, true).ok()) held.push_back({request, layer});
        if (held.size() > 2) let_go(static_cast<size_t>(below(held.size())));
        break;
      }
      case 6: {
        if (!held.empty()) let_go(static_cast<size_t>(below(held.size())));
        break;
      }
      case 7: {
        loader.unload(request, layer, outcome.done());
        const Code code = outcome.wait().code();
        EXPECT_TRUE(code == Code::ok || (code == Code::invalid && !held.empty()));
        break;
      }
      case 8: {
        // Two at once, of which one is cancelled, begun or not.
        Outcome other;
        loader.load(request, layer, {below(kLayers)}, false, outcome.done());
        loader.load(request + (uint64_t{1} << 40), below(kLayers), {}, false, other.done());
        loader.cancel(below(2) == 0 ? request : request + (uint64_t{1} << 40));
        const Code codes[] = {outcome.wait().code(), other.wait().code()};
        for (const Code code : codes) {
          EXPECT_TRUE(code == Code::ok || code == Code::cancelled || !held.empty());
        }
        break;
      }
      default: {
        if (held.empty()) {
          loader.set_budget(request, static_cast<uint64_t>(4 + below(16)) * kPage, outcome.done());
          EXPECT_TRUE(outcome.wait().ok());
          break;
        }
        const Held& one = held.back();
        const uint64_t again = loader.pin_again(one.pin);
        std::vector<float> values(lab.elements_of(one.layer));
        EXPECT_TRUE(loader.values(again, static_cast<uint32_t>(one.layer), values).ok());
        EXPECT_TRUE(lab.are_values_of(one.layer, values));
        EXPECT_TRUE(loader.release(again));
      }
    }
  }
  while (!held.empty()) let_go(0);
  EXPECT_LE(loader.memory().budget().peak(), 20 * kPage);
}

TEST(LoaderStress, TenThousandOperationsOfTwoLoadersOverOneModelLeaveNothing) {
  Lab lab;
  constexpr PolicyKind kKinds[] = {PolicyKind::cyclic, PolicyKind::lru, PolicyKind::mfu,
                                   PolicyKind::fifo, PolicyKind::priority};
  for (unsigned seed = 0; seed < 5; ++seed) {
    const auto open = [&](double threshold) {
      return lab
          .open({.budget = 20 * kPage,
                 .prefetch_window = seed,
                 .adaptive_window = seed % 2 == 0,
                 .readers = 1 + seed,
                 .policy = kKinds[seed],
                 .threshold = threshold})
          .value();
    };
    const std::shared_ptr<Loader> one = open(1), two = open(0.6);
    std::thread beside([&] { stress(lab, *two, 100 + seed, 1000); });
    std::thread watcher([&] {
      for (int look = 0; look < 200; ++look) {
        for (const auto& loader : {one, two}) {
          (void)loader->report();
          (void)loader->statistics();
        }
      }
    });
    stress(lab, *one, seed, 1000);
    beside.join();
    watcher.join();
    one->close();
    two->close();
    EXPECT_EQ(live_bytes(), 0u);
  }
}

}  // namespace
}  // namespace hyperion
