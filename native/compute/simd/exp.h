// e^x over sixteen lanes, within 2 units in the last place; 0 below about -104, infinity
// above 88.7, NaN for NaN.
#pragma once

namespace hyperion {

template <class V>
V exp(V x) {
  // Adding 1.5 * 2^23 rounds to a whole number and leaves that number in the low bits of the sum.
  const V round = V::broadcast(0x1.8p23f);
  x = V::min(V::broadcast(89.0f), V::max(V::broadcast(-104.0f), x));

  // x = n ln 2 + r, |r| <= ln 2 / 2; ln 2 in two parts, the first with trailing zeros so that n
  // times it is exact.
  const V n = V::fma(x, V::broadcast(0x1.715476p+0f), round) - round;
  V r = V::fma(n, V::broadcast(-0x1.62e4p-1f), x);
  r = V::fma(n, V::broadcast(-0x1.7f7d1cp-20f), r);

  // Minimax polynomial of (e^r - 1 - r) / r^2 (the coefficients of SLEEF's expf).
  V p = V::broadcast(0.000198527617612853646278381f);
  p = V::fma(p, r, V::broadcast(0.00139304355252534151077271f));
  p = V::fma(p, r, V::broadcast(0.00833336077630519866943359f));
  p = V::fma(p, r, V::broadcast(0.0416664853692054748535156f));
  p = V::fma(p, r, V::broadcast(0.166666671633720397949219f));
  p = V::fma(p, r, V::broadcast(0.5f));
  p = V::fma(r * r, p, r) + V::broadcast(1.0f);

  // 2^n in two factors, because n reaches beyond the exponents of normal floats; only the last
  // product rounds.
  const V first = V::fma(n, V::broadcast(0.5f), round);
  const V second = (n - (first - round)) + round;
  return p * V::pow2(first) * V::pow2(second);
}

}  // namespace hyperion
