/** Caches of keys without bytes: how often a rule would hit, and how often the best possible one could. */
import type { EvictionPolicy } from './policy';

/** A cache that only counts. What is used is always taken in, as a view needs its bytes; what is larger than the cache is not. */
export class SimulatedCache {
  readonly #cached = new Set<number>();
  #used = 0;

  /** @param capacity in the unit of `sizeOf`, by default a count of keys */
  constructor(
    private readonly policy: EvictionPolicy,
    private readonly capacity: number,
    private readonly sizeOf: (key: number) => number = () => 1,
  ) {}

  /** Uses a key; true when it was cached. */
  access(key: number): boolean {
    const isHit = this.#cached.delete(key);
    this.policy.access(key);
    const size = this.sizeOf(key);
    if (!isHit && size <= this.capacity) {
      while (this.#used + size > this.capacity) this.#evict();
      this.#used += size;
    }
    // Again at the end, so that the newest comes last where a rule has no preference.
    if (size <= this.capacity) this.#cached.add(key);
    return isHit;
  }

  #evict(): void {
    const victim = this.policy.victim(this.#cached);
    this.#cached.delete(victim);
    this.#used -= this.sizeOf(victim);
  }
}

/** How many of the uses a rule answers from a cache of `capacity` keys. */
export function countHits(policy: EvictionPolicy, accesses: readonly number[], capacity: number): number {
  const cache = new SimulatedCache(policy, capacity);
  return accesses.reduce((hits, key) => hits + (cache.access(key) ? 1 : 0), 0);
}

/** The most hits that any rule could have had: it knows the future, and gives up what is used latest (Belady 1966). */
export function countBestHits(accesses: readonly number[], capacity: number): number {
  const next = nextUses(accesses);
  const dueAt = new Map<number, number>();
  let hits = 0;
  accesses.forEach((key, index) => {
    if (dueAt.has(key)) hits += 1;
    else if (dueAt.size === capacity) dueAt.delete(latest(dueAt));
    dueAt.set(key, next[index]!);
  });
  return hits;
}

/** For each use, when its key is used again. */
function nextUses(accesses: readonly number[]): number[] {
  const seen = new Map<number, number>();
  const next = accesses.map(() => Number.POSITIVE_INFINITY);
  for (let index = accesses.length - 1; index >= 0; index -= 1) {
    next[index] = seen.get(accesses[index]!) ?? Number.POSITIVE_INFINITY;
    seen.set(accesses[index]!, index);
  }
  return next;
}

function latest(dueAt: ReadonlyMap<number, number>): number {
  return [...dueAt].reduce((one, two) => (two[1] > one[1] ? two : one))[0];
}
