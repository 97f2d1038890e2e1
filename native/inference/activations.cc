#include "inference/activations.h"

#include <cmath>

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

void Activations::turn_to(uint64_t position, uint64_t tokens) {
  const uint64_t half = graph_.inverse_frequencies.size();
  for (uint64_t t = 0; t < tokens; ++t) {
    float* cosines = floats() + layout_.cosines + t * half;
    float* sines = floats() + layout_.sines + t * half;
    for (uint64_t i = 0; i < half; ++i) {
      // The angle is rounded to float before its cosine is taken, as models are trained.
      const float angle = static_cast<float>(position + t) * graph_.inverse_frequencies[i];
      cosines[i] = static_cast<float>(std::cos(double{angle})) * graph_.rotary_scale;
      sines[i] = static_cast<float>(std::sin(double{angle})) * graph_.rotary_scale;
    }
  }
}

const float* Activations::cosines(uint64_t token) const {
  return floats() + layout_.cosines + token * graph_.inverse_frequencies.size();
}

const float* Activations::sines(uint64_t token) const {
  return floats() + layout_.sines + token * graph_.inverse_frequencies.size();
}

}  // namespace hyperion
