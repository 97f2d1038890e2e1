#include "loading/read_memory.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "compute/team.h"
#include "platform/clock.h"
#include "platform/pages.h"

namespace hyperion {
namespace {

constexpr int kTimes = 5;
constexpr uint64_t kTaskBytes = kHugePageSize;
constexpr uint64_t kStreams = 4;
constexpr uint64_t kAheadBytes = 1024;

// From several places in turn, each asked for ahead: one stream alone leaves memory waiting.
// Several sums side by side, so that no addition waits for the one before. REQUIRES: bytes is a
// multiple of kPageSize.
uint64_t sum(const std::byte* data, uint64_t bytes) {
  constexpr size_t kLanes = 16;
  uint64_t sums[kLanes] = {};
  uint64_t words[kLanes];
  const uint64_t stream_bytes = bytes / kStreams;
  for (uint64_t at = 0; at < stream_bytes; at += sizeof words) {
    for (uint64_t stream = 0; stream < kStreams; ++stream) {
      const std::byte* const from = data + stream * stream_bytes + at;
      __builtin_prefetch(from + kAheadBytes);
      __builtin_prefetch(from + kAheadBytes + 64);
      std::memcpy(words, from, sizeof words);
      for (size_t i = 0; i < kLanes; ++i) sums[i] += words[i];
    }
  }
  uint64_t total = 0;
  for (const uint64_t lane : sums) total += lane;
  return total;
}

}  // namespace

Result<double> read_memory(uint64_t bytes, size_t threads) {
  const Result<PageRegion> region = PageRegion::map(bytes);
  if (!region.ok()) return region.status();
  std::byte* const data = region.value().data();
  Team team(threads);
  const size_t tasks = (bytes + kTaskBytes - 1) / kTaskBytes;
  const auto each_part = [&](auto&& visit) {
    team.run(tasks, [&](size_t task) {
      const uint64_t begin = task * kTaskBytes;
      visit(data + begin, std::min(kTaskBytes, bytes - begin));
    });
  };
  // Pages that were never written are all one page of zeros, which the caches hold.
  each_part([](std::byte* part, uint64_t size) { std::memset(part, 1, size); });

  std::atomic<uint64_t> total{0};
  double best_ms = 0;
  for (int i = 0; i < kTimes; ++i) {
    const double began = now_ms();
    each_part([&](const std::byte* part, uint64_t size) { total += sum(part, size); });
    const double ms = now_ms() - began;
    if (i == 0 || ms < best_ms) best_ms = ms;
  }
  // The sum is what makes the compiler read.
  if (total != kTimes * (bytes / sizeof(uint64_t)) * 0x0101010101010101u) {
    return Status(Code::corrupt, "memory did not give back what was written to it");
  }
  return static_cast<double>(bytes) * 1000 / best_ms;
}

}  // namespace hyperion
