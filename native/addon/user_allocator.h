// An allocator that JavaScript made, with the buffers through which it looks at blocks.
#pragma once

#include <napi.h>

#include <memory>
#include <unordered_map>

#include "memory/allocator.h"

namespace hyperion::addon {

// For the thread of one environment.
class UserAllocator {
 public:
  explicit UserAllocator(std::unique_ptr<Allocator> allocator) : allocator_(std::move(allocator)) {}

  Allocator& operator*() { return *allocator_; }
  Allocator* operator->() { return allocator_.get(); }

  // The block as an ArrayBuffer, the same one while JavaScript holds it. UNSUPPORTED where the
  // runtime forbids buffers over memory that is not its own.
  // REQUIRES: the handle names a live block.
  Napi::Value view(Napi::Env env, BlockHandle handle);

  bool has_views() const { return !views_.empty(); }

  // Detaches the block's buffer: JavaScript then sees nothing where it saw the block. Before a
  // block is freed.
  void detach(napi_env env, BlockHandle handle) {
    if (has_views()) [[unlikely]]
      detach_view(env, handle);
  }
  void detach_all(napi_env env);

 private:
  void detach_view(napi_env env, BlockHandle handle);

  std::unique_ptr<Allocator> allocator_;
  std::unordered_map<BlockHandle, napi_ref> views_;  // weak
};

}  // namespace hyperion::addon
