// A loader that JavaScript made, with the buffers through which it looks at pinned layers.
#pragma once

#include <memory>
#include <unordered_map>

#include "addon/views.h"
#include "loading/loader.h"

namespace hyperion::addon {

// For the thread of one environment.
class UserLoader {
 public:
  explicit UserLoader(std::shared_ptr<Loader> loader) : loader_(std::move(loader)) {}

  const std::shared_ptr<Loader>& get() const { return loader_; }
  Loader* operator->() const { return loader_.get(); }

  void note_pin(uint64_t pin, int layer) {
    pins_[pin] = layer;
    ++pins_of_[layer];
  }

  // The pinned layer as an ArrayBuffer, which several pins of it share. REQUIRES: is_pinned().
  Napi::Value view(Napi::Env env, uint64_t pin) {
    return views_.view(env, static_cast<uint64_t>(pins_.at(pin)), loader_->memory_of(pin));
  }

  bool is_pinned(uint64_t pin) const { return pins_.contains(pin); }

  // Detaches the layer's buffer with the last of its pins. False when there is no such pin.
  bool release(napi_env env, uint64_t pin) {
    const auto found = pins_.find(pin);
    if (found == pins_.end()) return false;
    const int layer = found->second;
    pins_.erase(found);
    if (--pins_of_[layer] == 0) views_.detach(env, static_cast<uint64_t>(layer));
    return loader_->release(pin);
  }

  void detach_all(napi_env env) { views_.detach_all(env); }

 private:
  const std::shared_ptr<Loader> loader_;
  std::unordered_map<uint64_t, int> pins_;  // by number: its layer
  std::unordered_map<int, size_t> pins_of_;
  Views views_;
};

}  // namespace hyperion::addon
