/** Drawing tokens: which ones can come, how often they do, and that a seed decides. */
import { describe, expect, test } from 'vitest';
import { argMax, createSampler, logProbability, seededRandom } from '../../src/inference/sampler';

const LOGITS = Float32Array.of(1, 3, 2, -1, 3.5, 0);
const ALL = Number.MAX_SAFE_INTEGER;
const base = { temperature: 1, topK: ALL, topP: 1, seed: 1 };

function frequencies(options: Partial<typeof base>, draws = 20_000): number[] {
  const choose = createSampler({ ...base, ...options });
  const counts = new Array(LOGITS.length).fill(0);
  for (let i = 0; i < draws; i += 1) counts[choose(LOGITS)] += 1;
  return counts.map((count) => count / draws);
}

function softmax(logits: number[], temperature = 1): number[] {
  const weights = logits.map((logit) => Math.exp(logit / temperature));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

describe('greedy', () => {
  test('the largest logit; the first of equals', () => {
    expect(createSampler({ ...base, temperature: 0 })(LOGITS)).toBe(4);
    expect(argMax(Float32Array.of(1, 7, 7, 7))).toBe(1);
  });

  test('numbers that are none are passed over; without a finite one it is CORRUPT', () => {
    expect(argMax(Float32Array.of(Number.NaN, -5, Number.NaN, -4))).toBe(3);
    for (const bad of [Number.NaN, -Infinity, Infinity]) {
      expect(() => argMax(Float32Array.of(bad, bad))).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
    }
  });
});

describe('drawn', () => {
  // Within five standard deviations of 20,000 draws.
  const close = (found: number[], expected: number[]) => {
    for (const [id, p] of expected.entries()) {
      expect(Math.abs(found[id]! - p)).toBeLessThanOrEqual(5 * Math.sqrt((p * (1 - p)) / 20_000));
    }
  };

  test.each([0.5, 1, 2])('temperature %f: as often as softmax says', (temperature) => {
    close(frequencies({ temperature }), softmax([...LOGITS], temperature));
  });

  test('top-k: the k largest, in their proportions', () => {
    const kept = softmax([3, 2, 3.5]);
    close(frequencies({ topK: 3 }), [0, kept[0]!, kept[1]!, 0, kept[2]!, 0]);
  });

  test('top-p: as few as reach it', () => {
    // Probabilities in order: 0.49, 0.30, 0.11, …
    const [first, second] = softmax([3.5, 3]);
    close(frequencies({ topP: 0.6 }), [0, second!, 0, 0, first!, 0]);
    close(frequencies({ topP: 0.4 }), [0, 0, 0, 0, 1, 0]);
    close(frequencies({ topP: 1e-9 }), [0, 0, 0, 0, 1, 0]);
  });

  test('top-p counts within what top-k left', () => {
    // Of the two kept, the first has 0.62.
    close(frequencies({ topK: 2, topP: 0.6 }), [0, 0, 0, 0, 1, 0]);
  });

  test('ties with the last one kept are kept', () => {
    const choose = createSampler({ ...base, topK: 1 });
    const seen = new Set(Array.from({ length: 100 }, () => choose(Float32Array.of(2, 2, 1))));
    expect([...seen].sort()).toEqual([0, 1]);
  });

  test('logits too large for exp, and infinitely small ones', () => {
    const choose = createSampler({ ...base, temperature: 1e-3 });
    expect(choose(Float32Array.of(1e4, 9e3, -Infinity))).toBe(0);
  });

  test('the same seed draws the same, another one does not', () => {
    const draw = (seed: number) => {
      const choose = createSampler({ ...base, seed, temperature: 5 });
      return Array.from({ length: 50 }, () => choose(LOGITS)).join();
    };
    expect(draw(7)).toBe(draw(7));
    const seeds = [0, 1, 2, 2 ** 31, 2 ** 32, 2 ** 53 - 1];
    expect(new Set(seeds.map(draw)).size).toBe(seeds.length);
  });
});

test('log probabilities are those of the softmax', () => {
  const expected = softmax([...LOGITS]).map(Math.log);
  for (const [id, value] of expected.entries()) expect(logProbability(LOGITS, id)).toBeCloseTo(value, 10);
});

test('random numbers fill [0, 1) evenly', () => {
  const random = seededRandom(42);
  const bins = new Array(16).fill(0);
  for (let i = 0; i < 32_000; i += 1) bins[Math.floor(random() * 16)] += 1;
  // Chi square with 15 degrees of freedom is above 44.3 once in 10,000.
  expect(bins.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0)).toBeLessThan(44.3);
});
