#include "loading/residency.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hyperion {

std::vector<size_t> spread_ranks(size_t count) {
  // Multiples of the golden ratio's fraction divide a circle evenly however many they are.
  constexpr double kGolden = 0.6180339887498949;
  const auto place = [](size_t i) {
    const double turns = static_cast<double>(i) * kGolden;
    return turns - std::floor(turns);
  };
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return place(a) < place(b); });
  std::vector<size_t> ranks(count);
  for (size_t rank = 0; rank < count; ++rank) ranks[order[rank]] = rank;
  return ranks;
}

std::vector<bool> choose_kept(const std::vector<Candidate>& candidates, uint64_t room,
                              uint64_t ring) {
  const uint64_t all =
      std::accumulate(candidates.begin(), candidates.end(), uint64_t{0},
                      [](uint64_t sum, const Candidate& candidate) { return sum + candidate.bytes; });
  if (all <= room) return std::vector<bool>(candidates.size(), true);

  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return candidates[a].rank < candidates[b].rank;
  });
  std::vector<bool> kept(candidates.size(), false);
  uint64_t left = room - std::min(room, ring);
  for (const size_t i : order) {
    if (candidates[i].bytes > left) continue;
    kept[i] = true;
    left -= candidates[i].bytes;
  }
  return kept;
}

}  // namespace hyperion
