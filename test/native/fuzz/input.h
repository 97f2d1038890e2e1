// Numbers out of the bytes that libFuzzer makes: mostly small ones and those at the edges, where
// bounds checks go wrong.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <vector>

namespace hyperion {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : provider_(data, size) {}

  bool more() { return provider_.remaining_bytes() > 0; }
  bool chance() { return provider_.ConsumeBool(); }

  // 0 to below `count`.
  uint64_t below(uint64_t count) {
    return provider_.ConsumeIntegralInRange<uint64_t>(0, count - 1);
  }

  // Small, near a power of two, or any.
  uint64_t number() {
    switch (below(4)) {
      case 0:
        return below(64);
      case 1:
        return (uint64_t{1} << below(64)) + below(3) - 1;
      case 2:
        return 0 - below(16);
      default:
        return provider_.ConsumeIntegral<uint64_t>();
    }
  }

  // The value, or one near it or related to it, or any.
  uint64_t near(uint64_t value) {
    switch (below(5)) {
      case 0:
        return value + 1;
      case 1:
        return value - 1;
      case 2:
        return value * 2;
      case 3:
        return value / 2;
      default:
        return number();
    }
  }

  float real() { return provider_.ConsumeFloatingPoint<float>(); }

  std::vector<uint8_t> rest() { return provider_.ConsumeRemainingBytes<uint8_t>(); }

 private:
  FuzzedDataProvider provider_;
};

}  // namespace hyperion
