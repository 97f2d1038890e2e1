// An allocator that JavaScript made, with the buffers through which it looks at blocks.
#pragma once

#include <memory>

#include "addon/views.h"
#include "memory/allocator.h"

namespace hyperion::addon {

// For the thread of one environment.
class UserAllocator {
 public:
  explicit UserAllocator(std::unique_ptr<Allocator> allocator) : allocator_(std::move(allocator)) {}

  Allocator& operator*() { return *allocator_; }
  Allocator* operator->() { return allocator_.get(); }

  // The block as an ArrayBuffer, see Views::view(). REQUIRES: the handle names a live block.
  Napi::Value view(Napi::Env env, BlockHandle handle) {
    const TableBlock& block = *allocator_->blocks().find(handle);
    return views_.view(env, handle, {block.data(), block.bytes()});
  }

  bool has_views() const { return !views_.empty(); }

  // Detaches the block's buffer. Before a block is freed.
  void detach(napi_env env, BlockHandle handle) {
    if (has_views()) [[unlikely]]
      views_.detach(env, handle);
  }
  void detach_all(napi_env env) { views_.detach_all(env); }

 private:
  std::unique_ptr<Allocator> allocator_;
  Views views_;
};

}  // namespace hyperion::addon
