// A stack of memory resources as one that owns them all, for suites that take one resource.
#pragma once

#include <memory>
#include <utility>

#include "memory/adaptors/adaptor.h"

namespace hyperion {

class Stacked final : public Adaptor {
 public:
  Stacked(std::unique_ptr<MemoryResource> below, std::unique_ptr<MemoryResource> top)
      : Adaptor(*top), below_(std::move(below)), top_(std::move(top)) {}

 private:
  std::unique_ptr<MemoryResource> below_;
  std::unique_ptr<MemoryResource> top_;  // after below_: ends first
};

// The adaptor, made with these arguments, over the resource.
template <typename Outer, typename... Arguments>
std::unique_ptr<MemoryResource> stack(std::unique_ptr<MemoryResource> below,
                                      Arguments&&... arguments) {
  auto top = std::make_unique<Outer>(*below, std::forward<Arguments>(arguments)...);
  return std::make_unique<Stacked>(std::move(below), std::move(top));
}

}  // namespace hyperion
