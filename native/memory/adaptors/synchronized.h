// A resource that many threads share: one lock around every call.
#pragma once

#include <mutex>

#include "memory/adaptors/adaptor.h"

namespace hyperion {

// Thread-safe, as long as the upstream is reached through it alone.
class Synchronized final : public Adaptor {
 public:
  using Adaptor::Adaptor;

  std::byte* allocate(const Request& request) override {
    const std::lock_guard lock(mutex_);
    return upstream_.allocate(request);
  }
  FreeResult free(std::byte* block, const Request& request) override {
    const std::lock_guard lock(mutex_);
    return upstream_.free(block, request);
  }
  Status refusal(const Request& request) const override {
    const std::lock_guard lock(mutex_);
    return upstream_.refusal(request);
  }
  Usage usage() const override {
    const std::lock_guard lock(mutex_);
    return upstream_.usage();
  }
  uint64_t trim() override {
    const std::lock_guard lock(mutex_);
    return upstream_.trim();
  }
  void reset() override {
    const std::lock_guard lock(mutex_);
    upstream_.reset();
  }

 private:
  mutable std::mutex mutex_;
};

}  // namespace hyperion
