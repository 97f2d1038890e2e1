// Gives a callback the chance to free something when the upstream refuses: the block is asked for
// again as long as the callback says that it found something.
#pragma once

#include <functional>
#include <utility>

#include "memory/adaptors/adaptor.h"

namespace hyperion {

class OnFailure final : public Adaptor {
 public:
  // Returns whether asking again is worth it; it may free blocks of this resource. Once it returns
  // false the request is refused: it must do so at last, or the request never ends.
  using Callback = std::function<bool(const Request&)>;

  OnFailure(MemoryResource& upstream, Callback callback)
      : Adaptor(upstream), callback_(std::move(callback)) {}

  std::byte* allocate(const Request& request) override {
    for (;;) {
      std::byte* block = upstream_.allocate(request);
      if (block != nullptr || !callback_(request)) return block;
    }
  }

 private:
  const Callback callback_;
};

}  // namespace hyperion
