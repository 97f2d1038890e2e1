// A hard limit on the bytes that live blocks were requested with; padding and reserves of the
// upstream do not count.
#pragma once

#include "memory/adaptors/adaptor.h"

namespace hyperion {

class Limit final : public Adaptor {
 public:
  // REQUIRES: the upstream outlives the adaptor.
  Limit(MemoryResource& upstream, uint64_t limit) : Adaptor(upstream), limit_(limit) {}

  std::byte* allocate(const Request& request) override;
  FreeResult free(std::byte* block, const Request& request) override;
  // OVER_BUDGET with neededBytes, limitBytes and liveBytes where the limit is the reason;
  // else the upstream's.
  Status refusal(const Request& request) const override;
  // largest_free stops at the limit.
  Usage usage() const override;
  void reset() override;

  // INVALID when more is in use than that.
  Status set_limit(uint64_t limit);
  uint64_t limit() const { return limit_; }
  uint64_t used() const { return used_; }

 private:
  uint64_t limit_;
  uint64_t used_ = 0;  // <= limit_
};

}  // namespace hyperion
