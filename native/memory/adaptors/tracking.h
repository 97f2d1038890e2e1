// Keeps a record of every live block beside the blocks: what is never freed shows as a leak, and a
// block that is freed twice or belongs to someone else never reaches the upstream.
#pragma once

#include <deque>
#include <list>
#include <unordered_map>
#include <vector>

#include "memory/adaptors/adaptor.h"
#include "memory/live_block.h"

namespace hyperion {

struct Misuse {
  FreeResult kind;  // freed_before or foreign
  const std::byte* address;
  uint16_t tag;    // as the caller said
  uint64_t bytes;  // as the caller said
};

class Tracking final : public Adaptor {
 public:
  using Adaptor::Adaptor;

  static constexpr size_t kRememberedFrees = 4096;
  static constexpr size_t kRememberedMisuses = 64;

  std::byte* allocate(const Request& request) override;
  // The upstream gets the request that the block was allocated for, whatever the caller says.
  // freed_before is told for the addresses freed last (kRememberedFrees) that no block has since,
  // foreign for all others without a live block.
  FreeResult free(std::byte* block, const Request& request) override;
  void reset() override;

  // Oldest first: at the end of a phase, its leaks.
  std::vector<LiveBlock> live() const;
  // The last ones (kRememberedMisuses), oldest first.
  const std::deque<Misuse>& misuses() const { return misuses_; }

 private:
  struct Record {
    Request request;
    uint64_t sequence;
  };

  void remember_free(std::byte* block);
  void forget_free(std::byte* block);
  FreeResult note_misuse(std::byte* block, const Request& request);

  std::unordered_map<std::byte*, Record> live_;
  uint64_t sequence_ = 0;
  std::list<std::byte*> freed_;  // oldest first
  std::unordered_map<std::byte*, std::list<std::byte*>::iterator> freed_at_;
  std::deque<Misuse> misuses_;
};

}  // namespace hyperion
