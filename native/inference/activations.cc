#include "inference/activations.h"

#include <cmath>
#include <cstring>

namespace hyperion {

Status Activations::resize(uint64_t rows) {
  if (rows == layout_.rows) return {};
  free();
  const ActivationLayout wanted(graph_, rows);
  Result<Region> region = Region::allocate(memory_, Tag::activations, wanted.bytes);
  if (!region.ok()) return region.status();
  region_ = std::move(region.value());
  layout_ = wanted;
  return {};
}

void Activations::free() {
  region_.free();
  layout_ = ActivationLayout(graph_, 0);
}

float* Activations::row(uint32_t buffer, uint64_t token) {
  return floats() + layout_.buffers[buffer] + token * graph_.buffers[buffer].width;
}

void Activations::keep(std::span<const uint64_t> kept) {
  for (uint32_t buffer = 0; buffer < graph_.buffers.size(); ++buffer) {
    if (buffer == graph_.result) continue;
    const size_t bytes = graph_.buffers[buffer].width * sizeof(float);
    for (uint64_t i = 0; i < kept.size(); ++i) {
      if (kept[i] != i) std::memcpy(row(buffer, i), row(buffer, kept[i]), bytes);
    }
  }
}

void Activations::turn_to(uint64_t token, uint64_t position) {
  for (size_t table = 0; table < graph_.rotary.size(); ++table) {
    const auto& [frequencies, scale] = graph_.rotary[table];
    float* cosines = floats() + layout_.cosines[table] + token * frequencies.size();
    float* sines = floats() + layout_.sines[table] + token * frequencies.size();
    for (size_t i = 0; i < frequencies.size(); ++i) {
      // The angle is rounded to float before its cosine is taken, as models are trained.
      const float angle = static_cast<float>(position) * frequencies[i];
      cosines[i] = static_cast<float>(std::cos(double{angle})) * scale;
      sines[i] = static_cast<float>(std::sin(double{angle})) * scale;
    }
  }
}

const float* Activations::cosines(uint32_t table, uint64_t token) const {
  return floats() + layout_.cosines[table] +
         token * graph_.rotary[table].inverse_frequencies.size();
}

const float* Activations::sines(uint32_t table, uint64_t token) const {
  return floats() + layout_.sines[table] + token * graph_.rotary[table].inverse_frequencies.size();
}

}  // namespace hyperion
