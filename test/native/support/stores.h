// Stores of layers in memory, of given sizes.
#pragma once

#include <gtest/gtest.h>

#include <numeric>

#include "loading/layer_store.h"
#include "support/models.h"

namespace hyperion {

inline constexpr uint64_t kPage = 4096;

// Layers of given sizes in pages, each of one tensor, under a budget in pages.
class Store {
 public:
  Store(const std::vector<uint64_t>& pages, uint64_t budget, size_t window, size_t readers = 1,
        PolicyKind policy = PolicyKind::cyclic)
      : Store(pages, budget, {.readers = readers, .prefetch_window = window, .policy = policy}) {}

  Store(const std::vector<uint64_t>& pages, uint64_t budget, const StoreOptions& options)
      : memory_(budget * kPage, monitor_) {
    ModelBuilder builder;
    for (size_t i = 0; i < pages.size(); ++i) {
      builder.add("tensor" + std::to_string(i), {pages[i] * kPage / 4});
    }
    fake_ = builder.build();
    std::vector<StoredPart> layers;
    for (uint32_t i = 0; i < pages.size(); ++i) {
      layers.push_back({"layer" + std::to_string(i), static_cast<int>(i),
                        lay_out(*fake_.model, std::vector{i})});
    }
    store_ = std::make_unique<LayerStore>(*fake_.model, layers, memory_, options, cancelled_);
    order_.resize(pages.size());
    std::iota(order_.begin(), order_.end(), 0);
    memory_.set_reclaim([this] { return store_->reclaim(); });
  }

  void begin_pass() { store_->begin_pass(order_, order_); }
  Result<PartPin> acquire(int layer) { return store_->acquire(layer); }

  // Acquires every layer in turn and checks its contents.
  void walk() {
    begin_pass();
    for (const int layer : order_) visit(layer);
  }

  // Acquires a layer and checks its contents.
  void visit(int layer) {
    Result<PartPin> pin = acquire(layer);
    ASSERT_TRUE(pin.ok()) << pin.status().message();
    const auto tensor = static_cast<uint32_t>(layer);
    const std::vector<float>& values = fake_.values[tensor];
    const std::byte* found = pin.value().piece(tensor);
    const auto expected = std::as_bytes(std::span(values));
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), found));
  }

  LayerStore& operator*() { return *store_; }
  LayerStore* operator->() { return store_.get(); }
  FakeFile& file() { return *fake_.file; }
  Monitor& monitor() { return monitor_; }
  EngineMemory& memory() { return memory_; }
  std::atomic<bool>& cancelled() { return cancelled_; }
  void destroy() { store_.reset(); }

 private:
  Monitor monitor_;
  EngineMemory memory_;
  FakeModel fake_;
  std::atomic<bool> cancelled_ = false;
  std::unique_ptr<LayerStore> store_;
  std::vector<int> order_;
};

}  // namespace hyperion
