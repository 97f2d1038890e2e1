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
  let sorted = new Float32Array(0);
  return (logits) => {
    const max = logits[argMax(logits)]!;
    const weigh = (logit: number) => Math.exp((logit - max) / temperature);
    let least = Number.NEGATIVE_INFINITY;
    if (topK < logits.length || topP < 1) {
      if (sorted.length !== logits.length) sorted = new Float32Array(logits.length);
      sorted.set(logits);
      least = leastKept(sorted.sort(), topK, topP, weigh);
    }
    return draw(logits, least, weigh, random());
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

type Weigh = (logit: number) => number;

/** The smallest logit that top-k and top-p keep. `sorted` ascends. */
function leastKept(sorted: Float32Array, topK: number, topP: number, weigh: Weigh): number {
  const first = Math.max(0, sorted.length - topK);
  if (topP === 1) return sorted[first]!;
  let total = 0;
  for (let i = first; i < sorted.length; i += 1) total += weigh(sorted[i]!);
  let last = sorted.length - 1;
  for (let reached = weigh(sorted[last]!); reached < topP * total && last > first; ) {
    last -= 1;
    reached += weigh(sorted[last]!);
  }
  return sorted[last]!;
}

/** A token with a probability in proportion to its weight; `fraction` in [0, 1) chooses. */
function draw(logits: Float32Array, least: number, weigh: Weigh, fraction: number): number {
  let total = 0;
  for (const logit of logits) if (logit >= least) total += weigh(logit);
  let left = fraction * total;
  let drawn = -1;
  for (let id = 0; id < logits.length; id += 1) {
    const weight = logits[id]! >= least ? weigh(logits[id]!) : 0;
    if (weight === 0) continue;
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
