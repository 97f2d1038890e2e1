/** From logits to the next token: greedy, or drawn with temperature, top-k and top-p from a seeded generator. */
import { HyperionError } from '../errors';
import type { Sampling } from './options';

/**
 * A function that chooses a token id for a row of logits. Logits are divided by the temperature, then those below the
 * k-th are left out, then the least probable ones that are not needed to reach `topP`, as transformers does it; tokens
 * that tie with the last one kept are kept too.
 *
 * @example
 * ```ts
 * const choose = createSampler({ temperature: 0, topK: 1, topP: 1, seed: 0 });
 * choose(Float32Array.of(0.1, 2.5, 0.3)); // 1
 * ```
 */
export function createSampler({ temperature, topK, topP, seed }: Sampling): (logits: Float32Array) => number {
  if (temperature === 0) return argMax;
  const random = seededRandom(seed);
  let weights = new Float64Array(0);
  return (logits) => {
    const max = logits[argMax(logits)]!;
    if (weights.length !== logits.length) weights = new Float64Array(logits.length);
    // A logit that is no number has no weight.
    for (let id = 0; id < logits.length; id += 1)
      weights[id] = Math.exp((logits[id]! - max) / temperature) || 0;
    return draw(weights, leastKept(weights, topK, topP), random());
  };
}

/** The id of the largest logit, the smallest id of equals. */
export function argMax(logits: Float32Array): number {
  let best = -1;
  let max = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id += 1) {
    if (logits[id]! > max) {
      max = logits[id]!;
      best = id;
    }
  }
  if (best >= 0 && Number.isFinite(max)) return best;
  throw new HyperionError('CORRUPT', 'the model computed no finite logit; its weights may be damaged');
}

/** The natural logarithm of the probability that the logits give to a token, before temperature, top-k and top-p. */
export function logProbability(logits: Float32Array, id: number): number {
  const max = logits[argMax(logits)]!;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - max);
  return logits[id]! - max - Math.log(sum);
}

/** The smallest weight that top-k and top-p keep. */
function leastKept(weights: Float64Array, topK: number, topP: number): number {
  const least = topK < weights.length ? kthLargest(weights.slice(), topK) : 0;
  if (topP === 1) return least;
  const kept = weights.filter((weight) => weight >= least);
  const total = kept.reduce((sum, weight) => sum + weight, 0);
  // All weights below this one together are less than 1 - topP of the total: they are never needed, and not sorted.
  const negligible = ((1 - topP) * total) / kept.length;
  const sorted = kept.filter((weight) => weight >= negligible).sort();
  let last = sorted.length - 1;
  for (let reached = sorted[last]!; reached < topP * total && last > 0; reached += sorted[last]!) last -= 1;
  return sorted[last]!;
}

/** Hoare's selection: the k-th largest value in linear time. Reorders `values`. */
function kthLargest(values: Float64Array, k: number): number {
  let [begin, end] = [0, values.length - 1];
  while (begin < end) {
    const pivot = values[(begin + end) >> 1]!;
    let [i, j] = [begin, end];
    while (i <= j) {
      while (values[i]! > pivot) i += 1;
      while (values[j]! < pivot) j -= 1;
      if (i > j) break;
      [values[i], values[j]] = [values[j]!, values[i]!];
      i += 1;
      j -= 1;
    }
    if (k - 1 <= j) end = j;
    else if (k - 1 >= i) begin = i;
    else break;
  }
  return values[k - 1]!;
}

/** A token with a probability in proportion to its weight, of those not below `least`; `fraction` in [0, 1) chooses. */
function draw(weights: Float64Array, least: number, fraction: number): number {
  let total = 0;
  for (const weight of weights) if (weight >= least) total += weight;
  let left = fraction * total;
  let drawn = -1;
  for (let id = 0; id < weights.length; id += 1) {
    const weight = weights[id]!;
    if (weight < least || weight === 0) continue;
    // Rounding can leave a remainder behind the last token: that one is drawn then.
    drawn = id;
    left -= weight;
    if (left < 0) break;
  }
  return drawn;
}

/** Numbers in [0, 1) from sfc32 (Chris Doty-Humphrey, PractRand), started from a seed of up to 53 bits. */
export function seededRandom(seed: number): () => number {
  let [a, b, c, counter] = [seed | 0, Math.floor(seed / 2 ** 32) | 0, 0x9e3779b9 | 0, 1];
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  // Seeds that differ in few bits must have parted before the first number is used.
  for (let i = 0; i < 15; i += 1) next();
  return () => next() / 2 ** 32;
}
