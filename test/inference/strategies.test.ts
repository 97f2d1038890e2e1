/** A session under each of the four strategies: the same bits, memory that differs as the strategies do, and traces that predict it. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Model,
  openModel,
  replay,
  STRATEGIES,
  type StrategyConfig,
  type StrategyName,
} from '../../src/index';
import { native } from '../../src/native';
import { expected, fixture, sameBits } from '../support/fixtures';
import { errorOf } from '../support/temporary';

const { inputIds, greedy } = expected('llama');
let model: Model;
let reference: Float32Array;

beforeAll(async () => {
  model = await openModel(fixture('llama'));
  const session = model.session();
  reference = (await session.forward(inputIds)).data;
  session.close();
  await session.closed;
});
afterAll(async () => {
  model.close();
});

/** The smallest budget of a strategy, as its error says. */
async function smallestBudget(strategy: StrategyName | StrategyConfig, positions: number): Promise<number> {
  const plan = model.plan({ positions, strategy });
  const { details } = await errorOf(() => model.session({ budget: 4096, strategy }));
  expect(details.smallestBudgetBytes).toBeLessThanOrEqual(plan.smallestBudgetBytes);
  return plan.smallestBudgetBytes;
}

const CHOICES: readonly (StrategyName | StrategyConfig)[] = [
  ...STRATEGIES,
  { strategy: 'pooled', blockSize: '64 KiB', initialPoolSize: '256 KiB' },
  { strategy: 'hybrid', initialPoolSize: '64 KiB', enableOptimization: true },
];

describe.each(CHOICES.map((choice) => [JSON.stringify(choice), choice] as const))('%s', (_, strategy) => {
  const positions = inputIds.length + greedy.length;

  test.each(['smallest', 'larger', 'unlimited'])(
    '%s budget: the same bits, and the budget holds',
    async (size) => {
      const smallest = await smallestBudget(strategy, positions);
      const budget = { smallest, larger: smallest + 300_000, unlimited: Number.POSITIVE_INFINITY }[size]!;
      const session = model.session({ budget, strategy });
      const { data } = await session.forward(inputIds);
      expect(sameBits(data, reference)).toBe(true);
      const recording = session.record();
      const generation = session.generate(inputIds, { maxTokens: greedy.length });
      await generation.text();
      expect(generation.result.ids).toEqual(greedy);
      recording.stop();
      expect(session.memory.reservedPeak).toBeLessThanOrEqual(budget);
      expect(session.memory.peak).toBeLessThanOrEqual(session.memory.reservedPeak);
      for (const sample of recording.samples)
        expect(sample.reservedBytes).toBeGreaterThanOrEqual(sample.currentBytes);
      session.close();
      await session.closed;
      expect(native().liveBytes()).toBe(0);
    },
  );

  test('a replay of its trace has the peak that was measured', async () => {
    const budget = (await smallestBudget(strategy, positions)) + 200_000;
    const session = model.session({ budget, strategy });
    session.startTrace();
    await session.forward(inputIds);
    const recording = session.record();
    await session.generate(inputIds, { maxTokens: 4 }).text();
    recording.stop();
    const { peak, reservedPeak } = session.memory;
    const { rows, lowerBound } = await replay(session.stopTrace());
    expect([lowerBound, rows[0]!.reservedPeak]).toEqual([peak, reservedPeak]);
    session.close();
    await session.closed;
  });
});

test('the strategies hold memory differently, and the timelines show it', async () => {
  const held: Record<string, number[]> = {};
  for (const strategy of STRATEGIES) {
    const session = model.session({ budget: '8 MiB', strategy });
    const recording = session.record();
    await session.generate(inputIds, { maxTokens: 3 }).text();
    recording.stop();
    held[strategy] = recording.samples.map(({ reservedBytes }) => reservedBytes!);
    session.close();
    await session.closed;
  }
  const first = (strategy: StrategyName) => held[strategy]![0]!;
  const last = (strategy: StrategyName) => held[strategy]!.at(-1)!;
  // Static: all of the budget from the start, and never more.
  expect(new Set(held.static).size).toBe(1);
  expect(first('static')).toBeGreaterThan(7.5 * 2 ** 20);
  // Hybrid: its arena from the start.
  expect(first('hybrid')).toBeGreaterThanOrEqual(2 ** 20);
  // Dynamic: what the blocks need, pooled: what their classes need.
  expect(first('dynamic')).toBeLessThan(2 ** 20);
  expect(last('pooled')).toBeGreaterThan(last('dynamic'));
});

test('a pool that the budget has no room for is refused', async () => {
  const large = { strategy: 'static', initialPoolSize: '64 MiB' } as const;
  const error = await errorOf(() => model.session({ budget: '32 MiB', strategy: large }));
  expect([error.code, error.message]).toEqual([
    'INVALID',
    expect.stringMatching(/initialPoolSize is 64\.0 MiB; the budget/),
  ]);
  const small = { strategy: 'static', initialPoolSize: 8192 } as const;
  expect((await errorOf(() => model.session({ budget: '32 MiB', strategy: small }))).code).toBe(
    'OVER_BUDGET',
  );
  expect(native().liveBytes()).toBe(0);
});

test('under every budget from the smallest on the arena of a static session serves pass after pass', async () => {
  using trained = await openModel(join(__dirname, '../../notebooks/models/manpage'));
  const ids = inputIds.slice(0, 6);
  const last = async (budget: number, strategy?: StrategyName) => {
    using session = trained.session({ budget, ...(strategy && { strategy }) });
    for (const id of ids.slice(0, -1)) await session.forward([id]);
    return (await session.forward(ids.slice(-1))).data;
  };
  const whole = await last(Number.POSITIVE_INFINITY);
  const smallest = trained.plan({ positions: ids.length, strategy: 'static' }).smallestBudgetBytes;
  for (let budget = smallest; budget < 1.5 * trained.bytes; budget = Math.ceil(budget * 1.06))
    expect(sameBits(await last(budget, 'static'), whole), `${budget} bytes`).toBe(true);
});
