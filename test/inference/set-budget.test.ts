/** A budget that changes while a session lives: the same tokens, and never more held than it says. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Model, openModel } from '../../src/inference/model';
import type { Session } from '../../src/inference/session';
import { native } from '../../src/native';
import { expected, fixture, sameBits } from '../support/fixtures';
import { errorOf } from '../support/temporary';

const { inputIds, greedy } = expected('llama');
const TOKENS = greedy.length;
const POSITIONS = inputIds.length + TOKENS - 1;
let model: Model;
let session: Session<Model>;
/** the least for a whole generation */
let smallest: number;

beforeEach(async () => {
  model = await openModel(fixture('llama'));
  session = model.session();
  smallest = model.plan({ positions: POSITIONS }).smallestBudgetBytes;
});
afterEach(async () => {
  model.close();
  await session.closed;
  await expect.poll(() => native().liveBytes(), { timeout: 10_000 }).toBe(0);
});

function refusal(budget: number | string) {
  return errorOf(() => session.setBudget(budget));
}

describe('in the middle of a generation', () => {
  test('swept up and down: the same tokens, and what is held stays within each budget', async () => {
    const largest = 2 * model.bytes;
    const ids: number[] = [];
    for await (const { id, index } of session.generate(inputIds, { maxTokens: TOKENS })) {
      ids.push(id);
      const budget = index % 2 === 0 ? smallest + index * 4096 : largest;
      await session.setBudget(budget);
      expect(session.budget).toBe(budget);
      expect(session.memory.budget).toBe(budget);
      expect(session.memory.reserved).toBeLessThanOrEqual(budget);
    }
    expect(ids).toEqual(greedy);
  });

  test('while passes run, without waiting for them', async () => {
    let running = true;
    const generation = session.generate(inputIds, { maxTokens: TOKENS });
    const text = generation.text().finally(() => {
      running = false;
    });
    for (let turn = 0; running; turn += 1) await session.setBudget(turn % 2 ? 8 * smallest : 2 * smallest);
    await text;
    expect(generation.result.ids).toEqual(greedy);
  });

  test('logits are the same bits under a budget that was lowered and raised', async () => {
    const plain = await session.forward(inputIds);
    const pass = session.forward(inputIds);
    await session.setBudget(2 * smallest);
    expect(sameBits((await pass).data, plain.data)).toBe(true);
    await session.setBudget('unlimited');
    expect(sameBits((await session.forward(inputIds)).data, plain.data)).toBe(true);
    expect(session.budget).toBe(Number.POSITIVE_INFINITY);
  });

  test('room for all its tokens is kept until it ends', async () => {
    const long = model.contextLength - inputIds.length;
    const generation = session.generate(inputIds, { maxTokens: long });
    await generation.next();
    const { code, message, details } = await refusal(smallest);
    expect(code).toBe('OVER_BUDGET');
    const needed = model.plan({ positions: inputIds.length + long - 1 }).smallestBudgetBytes;
    expect(needed).toBeGreaterThan(smallest);
    expect(details.smallestBudgetBytes).toBe(needed);
    expect(message).toContain(`(${needed} bytes)`);
    expect(session.budget).toBe(Number.POSITIVE_INFINITY);
    await session.setBudget(needed);
    await generation.return();
    await session.setBudget(smallest);
  });

  test('a batch keeps room for those of its prompts that go on', async () => {
    const prompts = [inputIds, inputIds.slice(0, 5)];
    const batch = session.generateBatch(prompts, { maxTokens: TOKENS });
    await batch.next();
    const { details } = await refusal(smallest);
    const both = details.smallestBudgetBytes as number;
    expect(both).toBeGreaterThan(smallest);
    await session.setBudget(both);
    const ids: number[][] = [];
    for await (const _ of batch) ids.push(...batch.results.map((result) => [...result.ids]));
    expect(ids.at(-2)).toEqual(greedy);
    await session.setBudget(smallest);
  });
});

describe('idle', () => {
  test('before any pass, after one, and after the sequence is forgotten', async () => {
    const one = model.plan().smallestBudgetBytes;
    await session.setBudget(one);
    await session.setBudget('64 MiB');
    await session.forward(inputIds);
    const held = model.plan({ positions: inputIds.length }).smallestBudgetBytes;
    await session.setBudget(held);
    expect(session.memory.reserved).toBeLessThanOrEqual(held);
    expect(session.position).toBe(inputIds.length);
    session.reset();
    await session.setBudget(one);
  });

  test('a generation that no longer fits is refused, and one that has room again is not', async () => {
    await session.setBudget(model.plan({ positions: 8 }).smallestBudgetBytes);
    const long = { maxTokens: model.contextLength - inputIds.length };
    expect(await errorOf(() => session.generate(inputIds, long))).toMatchObject({ code: 'OVER_BUDGET' });
    await session.setBudget('64 MiB');
    const generation = session.generate(inputIds, long);
    await session.setBudget(smallest);
    // It was lowered before the first token was asked for.
    expect(await errorOf(() => generation.next())).toMatchObject({ code: 'OVER_BUDGET' });
  });

  test('the last of several changes is the one that stays', async () => {
    const changes = ['8 MiB', '64 MiB', '4 MiB', '16 MiB'].map((budget) => session.setBudget(budget));
    await Promise.all(changes);
    expect(session.budget).toBe(16 * 2 ** 20);
    expect(session.memory.budget).toBe(16 * 2 ** 20);
  });
});

describe('refused', () => {
  test.each([0, -1, Number.NaN, '', 'much', '0 B', null, undefined, {}])('%s: no size', async (budget) => {
    expect(await refusal(budget as never)).toMatchObject({ code: 'INVALID' });
    expect(session.budget).toBe(Number.POSITIVE_INFINITY);
  });

  test('a byte too little, and the session goes on', async () => {
    expect(await refusal(model.plan().smallestBudgetBytes - 1)).toMatchObject({ code: 'OVER_BUDGET' });
    expect((await session.forward(inputIds)).shape[0]).toBe(inputIds.length);
  });

  test('below the pool of a static strategy, which says why', async () => {
    const fixed = model.session({ budget: '4 MiB', strategy: 'static' });
    const error = await errorOf(() => fixed.setBudget('2 MiB'));
    expect(error).toMatchObject({ code: 'INVALID' });
    expect(error.message).toContain('static strategy');
    await fixed.setBudget('8 MiB');
    expect((await fixed.generate(inputIds, { maxTokens: 4 }).text()).length).toBeGreaterThan(0);
    await fixed.setBudget('4 MiB');
  });

  test('once closed, also while it is on its way', async () => {
    const pass = session.forward(inputIds);
    const changes = [session.setBudget(2 * smallest), session.setBudget('64 MiB')];
    session.close();
    for (const end of await Promise.allSettled([...changes, pass])) {
      if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'CLOSED' });
    }
    expect(await refusal('64 MiB')).toMatchObject({ code: 'CLOSED' });
  });
});
