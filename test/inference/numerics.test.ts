/** Logits and greedy tokens against PyTorch's, under every kind of budget and number of threads, to the bit. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Model, openModel } from '../../src/inference/model';
import { native, POLICIES } from '../../src/native';
import { expected, fixture, floats, largestDifference, readSafetensors, sameBits } from '../support/fixtures';
import { temporaryFolder } from '../support/temporary';

const TOLERANCE = 1e-3;
const cli = join(__dirname, '../../dist/src/cli/main.js');

describe.each(['llama', 'llama-256', 'mistral-sharded', 'qwen2', 'qwen3', 'gpt2'])('%s', (name) => {
  const { inputIds, greedy, logits } = expected(name);
  let model: Model;
  let budgets: Record<string, number>;

  beforeAll(async () => {
    model = await openModel(fixture(name));
    const { smallestBudgetBytes, workingSetBytes } = model.plan({
      positions: inputIds.length + greedy.length,
    });
    const between = Math.floor((smallestBudgetBytes + workingSetBytes) / 2);
    budgets = { smallest: smallestBudgetBytes, between, unlimited: Number.POSITIVE_INFINITY };
  });
  afterAll(() => {
    model.close();
  });

  test('logits equal PyTorch’s', async () => {
    const session = model.session();
    const result = await session.forward(inputIds);
    expect(result.shape).toEqual([inputIds.length, model.vocabularySize]);
    expect(largestDifference(result.data, logits)).toBeLessThanOrEqual(TOLERANCE);
  });

  describe.each(['smallest', 'between', 'unlimited'])('budget %s', (budget) => {
    test.each([1, 2, 3])('threads %i: the same bits and the same greedy tokens', async (threads) => {
      const reference = await model.session().forward(inputIds);
      const session = model.session({ budget: budgets[budget], threads });
      expect(sameBits((await session.forward(inputIds)).data, reference.data)).toBe(true);
      const generation = session.generate(inputIds, { maxTokens: greedy.length });
      await generation.text();
      expect(generation.result.ids).toEqual(greedy);
      expect(session.memory.peak).toBeLessThanOrEqual(session.budget);
    });

    test('tokens given one by one score as they do together, to the bit', async () => {
      const together = await model.session().forward(inputIds);
      const session = model.session({ budget: budgets[budget], prefetchWindow: 0 });
      for (const [index, id] of inputIds.entries()) {
        const one = await session.forward([id], { append: index > 0 });
        expect(sameBits(one.data, together.row(index))).toBe(true);
      }
      expect(session.position).toBe(inputIds.length);
    });
  });

  test.each(['direct', 'uring', 'buffered'] as const)(
    'io %s, readers 1 to 3, windows 0 to 8: the same bits',
    async (io) => {
      const reference = await model.session().forward(inputIds);
      for (const [readers, prefetchWindow] of [
        [1, 0],
        [2, 1],
        [3, 8],
      ]) {
        const session = model.session({ budget: budgets.between, io, readers, prefetchWindow });
        expect(sameBits((await session.forward(inputIds)).data, reference.data)).toBe(true);
        expect(session.statistics.io).toBe(io);
        session.close();
        await session.closed;
      }
    },
  );

  test.each(POLICIES)('policy %s: the same bits, pass after pass', async (policy) => {
    const reference = await model.session().forward(inputIds);
    for (const budget of [budgets.smallest, budgets.between]) {
      await using session = model.session({ budget, policy, prefetchWindow: 1, adaptiveWindow: true });
      for (let pass = 0; pass < 3; pass += 1)
        expect(sameBits((await session.forward(inputIds)).data, reference.data)).toBe(true);
    }
  });

  test('`hyperion logits` writes the same numbers', () => {
    const out = join(temporaryFolder(), 'logits.safetensors');
    const args = ['logits', fixture(name), '--ids', inputIds.join(','), '--out', out, '--activations', 'f32'];
    for (const budget of [String(budgets.smallest), 'unlimited']) {
      execFileSync(process.execPath, [cli, ...args, '--budget', budget, '--threads', '2'], { stdio: 'pipe' });
      const written = readSafetensors(out).logits!;
      expect(written.shape).toEqual([inputIds.length, model.vocabularySize]);
      expect(largestDifference(floats(written.bytes), logits)).toBeLessThanOrEqual(TOLERANCE);
    }
  });
});

test('a session gives back every byte when it is closed', async () => {
  const model = await openModel(fixture('llama'));
  const sessions = [model.session(), model.session({ budget: '2 MiB' })];
  await Promise.all(sessions.map((session) => session.forward([1, 2, 3])));
  expect(native().liveBytes()).toBeGreaterThan(0);
  model.close();
  await Promise.all(sessions.map((session) => session.closed));
  expect(native().liveBytes()).toBe(0);
});
