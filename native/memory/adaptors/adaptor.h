// A memory resource that watches or restrains another: blocks are the upstream's, and calls go
// through unless the adaptor has something to say. Adaptors stack in any order.
#pragma once

#include "memory/resource.h"

namespace hyperion {

// Holds nothing itself, so its end leaves live blocks to the upstream; reset() resets the upstream,
// whose only user it should be then. As thread-safe as the upstream, unless it says so.
class Adaptor : public MemoryResource {
 public:
  // REQUIRES: the upstream outlives the adaptor.
  explicit Adaptor(MemoryResource& upstream) : upstream_(upstream) {}

  std::byte* allocate(const Request& request) override { return upstream_.allocate(request); }
  FreeResult free(std::byte* block, const Request& request) override {
    return upstream_.free(block, request);
  }
  Status refusal(const Request& request) const override { return upstream_.refusal(request); }
  Usage usage() const override { return upstream_.usage(); }
  uint64_t trim() override { return upstream_.trim(); }
  void reset() override { upstream_.reset(); }

 protected:
  MemoryResource& upstream_;
};

}  // namespace hyperion
