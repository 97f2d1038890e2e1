// What the loops run on: the floor that no allocator beats, the peers, and the project's own
// resources.
#pragma once

#include <cstdlib>
#include <memory>

#if __has_include(<boost/pool/pool.hpp>)
#include <boost/pool/pool.hpp>
#define HYPERION_BENCH_BOOST 1
#endif

#include "memory/resource.h"

namespace hyperion::bench {

// Free blocks linked through their own first bytes, and nothing counted or checked: the floor.
class FreeList {
 public:
  FreeList(uint64_t block_bytes, uint64_t blocks)
      : block_bytes_(block_bytes),
        memory_(new std::byte[block_bytes * blocks]),
        fresh_(memory_.get()),
        end_(fresh_ + block_bytes * blocks) {}

  std::byte* allocate() {
    if (Node* node = free_) {
      free_ = node->next;
      return reinterpret_cast<std::byte*>(node);
    }
    if (fresh_ == end_) return nullptr;
    std::byte* block = fresh_;
    fresh_ += block_bytes_;
    return block;
  }
  void free(std::byte* block) { free_ = new (block) Node{free_}; }

 private:
  struct Node {
    Node* next;
  };
  const uint64_t block_bytes_;
  const std::unique_ptr<std::byte[]> memory_;
  Node* free_ = nullptr;
  std::byte* fresh_;
  std::byte* const end_;
};

#ifdef HYPERION_BENCH_BOOST
class BoostPool {
 public:
  BoostPool(uint64_t block_bytes, uint64_t blocks) : pool_(block_bytes, blocks) {}
  std::byte* allocate() { return static_cast<std::byte*>(pool_.malloc()); }
  void free(std::byte* block) { pool_.free(block); }

 private:
  boost::pool<> pool_;
};
#endif

// One of the two above.
template <class Pool>
class PeerPool {
 public:
  explicit PeerPool(Pool& pool) : pool_(pool) {}
  std::byte* allocate(uint64_t) { return pool_.allocate(); }
  void free(std::byte* block, uint64_t) { pool_.free(block); }

 private:
  Pool& pool_;
};

// malloc of the process: glibc's, or what is preloaded.
class Heap {
 public:
  std::byte* allocate(uint64_t bytes) { return static_cast<std::byte*>(std::malloc(bytes)); }
  void free(std::byte* block, uint64_t) { std::free(block); }
};

// A memory resource as whoever knows its class calls it.
template <class Resource>
class Through {
 public:
  explicit Through(Resource& resource) : resource_(resource) {}
  std::byte* allocate(uint64_t bytes) { return resource_.allocate({.bytes = bytes}); }
  void free(std::byte* block, uint64_t bytes) { resource_.free(block, {.bytes = bytes}); }

 private:
  Resource& resource_;
};

}  // namespace hyperion::bench
