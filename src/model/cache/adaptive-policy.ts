/** Adaptive caching: three rules are tried on the side, and the one that did best lately is followed. */
import { type EvictionPolicy, FrequencyPolicy, RecencyPolicy, RecurrencePolicy } from './policy';
import { SimulatedCache } from './simulate';

/** A rule, and how it would have done alone. */
interface Candidate {
  readonly policy: EvictionPolicy;
  readonly cache: SimulatedCache;
  /** of what it missed lately, in the unit of sizes */
  loss: number;
}

/** A loss is forgotten by half after as many uses as there are keys, times this. */
const MEMORY = 2;
/** Another rule is followed when it lost less than this part of what the present one did. */
const BETTER = 0.95;

/**
 * Learns from the accesses which rule suits them: recency, frequency, or recurrence, which on a scan that repeats does what Belady's
 * optimum does. Each rule runs in a cache of keys of the same capacity, without bytes; losses are compared with what is long ago
 * forgotten, so that it follows a change of the pattern.
 *
 * @example
 * ```ts
 * const policy = new AdaptivePolicy(10);   // room for 10 keys
 * for (let index = 0; index < 400; index += 1) policy.access(index % 20);
 * policy.following; // 'recurrence'
 * ```
 */
export class AdaptivePolicy implements EvictionPolicy {
  readonly name = 'adaptive';
  readonly #candidates: readonly Candidate[];
  readonly #keys = new Set<number>();
  readonly #sizeOf: (key: number) => number;
  #followed: Candidate;

  /** @param capacity of the cache, in the unit of `sizeOf`, by default a count of keys */
  constructor(capacity: number, sizeOf: (key: number) => number = () => 1) {
    this.#sizeOf = sizeOf;
    this.#candidates = [new RecencyPolicy(), new FrequencyPolicy(), new RecurrencePolicy()].map((policy) => ({
      policy,
      cache: new SimulatedCache(policy, capacity, sizeOf),
      loss: 0,
    }));
    this.#followed = this.#candidates[0]!;
  }

  /** The rule that is followed now. */
  get following(): string {
    return this.#followed.policy.name;
  }

  access(key: number): void {
    this.#keys.add(key);
    const kept = 2 ** (-1 / (MEMORY * this.#keys.size));
    for (const candidate of this.#candidates) {
      const lost = candidate.cache.access(key) ? 0 : this.#sizeOf(key);
      candidate.loss = candidate.loss * kept + lost;
    }
    const best = this.#candidates.reduce((one, two) => (two.loss < one.loss ? two : one));
    if (best.loss < this.#followed.loss * BETTER) this.#followed = best;
  }

  victim(cached: Iterable<number>): number {
    return this.#followed.policy.victim(cached);
  }
}
