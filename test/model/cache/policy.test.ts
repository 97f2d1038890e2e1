/** Rules of eviction on sequences of keys: hits are counted, and held against the best that is possible. */
import { describe, expect, test } from 'vitest';
import { AccessPattern } from '../../../src/model/cache/access-pattern';
import { AdaptivePolicy } from '../../../src/model/cache/adaptive-policy';
import { FrequencyPolicy, RecencyPolicy, RecurrencePolicy } from '../../../src/model/cache/policy';
import { countBestHits, countHits, SimulatedCache } from '../../../src/model/cache/simulate';
import { random } from '../../support/random';

const KEYS = 40;
const CAPACITY = 16;
const LENGTH = 4000;
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

const lru = (accesses: readonly number[]) => countHits(new RecencyPolicy(), accesses, CAPACITY);
const adaptive = (accesses: readonly number[]) => countHits(new AdaptivePolicy(CAPACITY), accesses, CAPACITY);
const best = (accesses: readonly number[]) => countBestHits(accesses, CAPACITY);

const cyclic = (length: number, first = 0, keys = KEYS) =>
  Array.from({ length }, (_, index) => first + (index % keys));

function uniform(seed: number): number[] {
  const next = random(seed);
  return Array.from({ length: LENGTH }, () => Math.floor(next() * KEYS));
}

/** The key of rank r is used as often as 1 / r says. */
function zipf(seed: number, length = LENGTH): number[] {
  const next = random(seed);
  const weights = Array.from({ length: KEYS }, (_, rank) => 1 / (rank + 1));
  return Array.from({ length }, () => {
    let left = next() * sum(weights);
    return weights.findIndex((weight) => {
      left -= weight;
      return left < 0;
    });
  });
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const sumOf = (hits: (accesses: readonly number[]) => number, sequence: (seed: number) => number[]) =>
  sum(SEEDS.map((seed) => hits(sequence(seed))));

describe('adaptive caching', () => {
  test('beats LRU on a cyclic scan, and comes within a hundredth of the optimum', () => {
    const scan = cyclic(LENGTH);
    expect(lru(scan)).toBe(0);
    // The optimum keeps all but one place fixed: 15 hits among the other 39 keys.
    expect(best(scan)).toBe(1530);
    expect(adaptive(scan)).toBeGreaterThan(0.99 * best(scan));
  });

  test('is no worse than LRU on a random one', () => {
    expect(sumOf(adaptive, uniform)).toBeGreaterThanOrEqual(sumOf(lru, uniform));
  });

  test('keeps what is used often where some keys are: zipf', () => {
    expect(sumOf(adaptive, zipf)).toBeGreaterThan(1.05 * sumOf(lru, zipf));
    expect(sumOf(adaptive, zipf)).toBeGreaterThan(0.89 * sumOf(best, zipf));
  });

  test('follows changes of the pattern', () => {
    const phases = [...cyclic(1000), ...zipf(2, 1000), ...cyclic(1000, 100, 20), ...cyclic(1000, 20, 30)];
    expect(lru(phases)).toBeLessThan(0.3 * best(phases));
    expect(adaptive(phases)).toBeGreaterThan(0.9 * best(phases));
  });

  test('says which rule it follows', () => {
    const policy = new AdaptivePolicy(CAPACITY);
    expect(policy.following).toBe('LRU');
    countHits(policy, cyclic(400), CAPACITY);
    expect(policy.following).toBe('recurrence');
    countHits(policy, zipf(3), CAPACITY);
    expect(policy.following).toBe('LFU');
  });

  test('counts sizes where keys have them', () => {
    const sizeOf = (key: number) => (key === 0 ? 8 : 1);
    const cache = new SimulatedCache(new AdaptivePolicy(8, sizeOf), 8, sizeOf);
    expect([1, 2, 1, 0, 0, 1].map((key) => cache.access(key))).toEqual([
      false,
      false,
      true,
      false,
      true,
      false,
    ]);
  });
});

describe('the rules', () => {
  const names = (policy: { access(key: number): void; victim(keys: number[]): number }, uses: number[]) => {
    for (const key of uses) policy.access(key);
    return policy.victim([...new Set(uses)]);
  };

  test('LRU gives up what was not used for longest', () => {
    expect(names(new RecencyPolicy(), [1, 2, 3, 1])).toBe(2);
  });

  test('LFU gives up what was used least', () => {
    expect(names(new FrequencyPolicy(), [1, 1, 2, 3, 3, 2, 4, 1])).toBe(4);
  });

  test('recurrence gives up what is due last', () => {
    expect(names(new RecurrencePolicy(), [1, 2, 3, 4, 1, 2, 3, 4])).toBe(4);
  });

  test('what is larger than the cache is not taken in, and pushes nothing out', () => {
    const cache = new SimulatedCache(new RecencyPolicy(), 4, (key) => key);
    expect([3, 9, 3, 9].map((key) => cache.access(key))).toEqual([false, false, true, false]);
  });

  test('no rule has more hits than the optimum', () => {
    for (const accesses of [cyclic(500), uniform(9), zipf(9)]) {
      const hits = [new RecencyPolicy(), new FrequencyPolicy(), new RecurrencePolicy()].map((policy) =>
        countHits(policy, accesses, CAPACITY),
      );
      expect(Math.max(...hits)).toBeLessThanOrEqual(best(accesses));
    }
  });
});

describe('the pattern of accesses', () => {
  function seen(accesses: readonly number[]): AccessPattern {
    const pattern = new AccessPattern();
    for (const key of accesses) pattern.access(key);
    return pattern;
  }

  test.each([
    ['sequential', cyclic(KEYS)],
    ['repeated', cyclic(3 * KEYS)],
    ['repeated', [0, 5, 2, 9, 0, 5, 2, 9, 0, 5, 2, 9, 0, 5, 2, 9, 0, 5, 2, 9, 0, 5]],
    ['random', uniform(4)],
    ['random', []],
  ] as const)('%s', (kind, accesses) => {
    expect(seen(accesses).kind).toBe(kind);
  });

  test('the next keys are those that follow, or that followed before', () => {
    expect(seen(cyclic(30)).next(3)).toEqual([30, 31, 32]);
    expect(seen([...cyclic(3 * KEYS), 0, 1]).next(3)).toEqual([2, 3, 4]);
    expect(seen(cyclic(3 * KEYS)).next(2)).toEqual([0, 1]);
    expect(seen(uniform(4)).next(3)).toEqual([]);
  });
});
