/** Sessions that share one engine: its weights and its budget, each with a sequence of its own. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Model, openModel } from '../../src/inference/model';
import type { Session } from '../../src/inference/session';
import { native } from '../../src/native';
import { expected, fixture, sameBits } from '../support/fixtures';
import { errorOf } from '../support/temporary';

const { inputIds, greedy } = expected('llama');
const prompts = [inputIds, inputIds.slice(0, 7), [5, 6, 7, 8, 9]];
let model: Model;
let session: Session<Model>;

beforeEach(async () => {
  model = await openModel(fixture('llama'));
  session = model.session({ budget: '3 MiB' });
});
afterEach(async () => {
  model.close();
  await expect.poll(() => native().liveBytes(), { timeout: 10_000 }).toBe(0);
});

async function alone(prompt: readonly number[], maxTokens: number): Promise<readonly number[]> {
  const generation = model.session().generate(prompt, { maxTokens });
  await generation.text();
  return generation.result.ids;
}

test('generate at the same time, each what it gives alone, under the one budget', async () => {
  const sessions = [session, session.share(), session.share()];
  const generations = sessions.map((one, index) => one.generate(prompts[index]!, { maxTokens: 12 }));
  await Promise.all(generations.map((generation) => generation.text()));
  for (const [index, { result }] of generations.entries())
    expect(result.ids).toEqual(await alone(prompts[index]!, 12));
  expect(generations[0]!.result.ids).toEqual(greedy.slice(0, 12));
  expect(sessions.map(({ position }) => position)).toEqual(prompts.map(({ length }) => length + 11));
  expect(session.memory.peak).toBeLessThanOrEqual(session.budget);
});

test('weights are there once', async () => {
  const whole = model.session();
  await whole.forward(inputIds);
  const { weights } = whole.memory.byTag;
  const { loads } = whole.statistics;
  const other = whole.share();
  await other.forward(inputIds);
  expect(other.memory.byTag.weights).toBe(weights);
  expect(other.statistics.loads).toBe(loads);
});

test('batches, appended tokens, resets and rewinds of one leave the others alone', async () => {
  const plain = await model.session().forward(inputIds);
  const other = session.share();
  await session.forward(inputIds.slice(0, 10));
  const batch = other.generateBatch(prompts, { maxTokens: 6 });
  await batch.next();
  const rest = await session.forward(inputIds.slice(10), { append: true });
  expect(sameBits(rest.data, plain.data.slice(10 * plain.shape[1]))).toBe(true);
  for await (const _ of batch);
  expect(batch.results[0]!.ids).toEqual(greedy.slice(0, 6));
  session.rewind(20);
  other.reset();
  expect([session.position, other.position]).toEqual([20, 0]);
  const last = await session.forward(inputIds.slice(20), { append: true });
  expect(sameBits(last.data, plain.data.slice(20 * plain.shape[1]))).toBe(true);
});

test('what one forgets while the pass of another runs is forgotten after it', async () => {
  const other = session.share();
  await other.forward(inputIds);
  const pass = session.forward(inputIds);
  other.reset();
  expect(other.position).toBe(0);
  const again = other.forward(inputIds);
  expect(sameBits((await pass).data, (await again).data)).toBe(true);
  session.reset();
  expect(session.memory.byTag['kv-cache']).toBeGreaterThan(0);
  other.reset();
  expect(session.memory.byTag['kv-cache']).toBe(0);
});

test('of one session a second call at once is INVALID still', async () => {
  const pass = session.share().forward(inputIds);
  const own = session.forward(inputIds);
  expect(await errorOf(() => session.forward(inputIds))).toMatchObject({ code: 'INVALID' });
  expect(await errorOf(() => session.reset())).toMatchObject({ code: 'INVALID' });
  await Promise.all([pass, own]);
});

test('an abort ends the pass that runs, and one that waits for its turn, and no other', async () => {
  const [second, third] = [session.share(), session.share()];
  const controller = new AbortController();
  const first = session.forward(inputIds);
  const waits = errorOf(() => second.forward(inputIds, { signal: controller.signal }));
  const last = third.forward(inputIds);
  controller.abort();
  expect(await waits).toMatchObject({ code: 'CANCELLED' });
  expect(sameBits((await first).data, (await last).data)).toBe(true);
  const runs = new AbortController();
  const cut = second.forward(inputIds, { signal: runs.signal }).then(
    () => 'done',
    ({ code }) => code,
  );
  const after = third.forward(inputIds);
  runs.abort();
  // It may have been faster than the abort.
  const end = await cut;
  expect(['CANCELLED', 'done']).toContain(end);
  expect((await after).shape[0]).toBe(inputIds.length);
  expect(second.position).toBe(end === 'done' ? inputIds.length : 0);
});

test('closing one ends its own work and gives its sequence back; the last one takes the engine along', async () => {
  const other = session.share();
  await session.forward(inputIds);
  const own = session.forward(inputIds);
  const foreign = other.forward(inputIds);
  session.close();
  // Unless it was done by then.
  await own.catch((error) => expect(error).toMatchObject({ code: 'CLOSED' }));
  await session.closed;
  await foreign;
  expect(() => session.share()).toThrow('closed');
  const ids = other.generate(inputIds, { maxTokens: 4 });
  await ids.text();
  expect(ids.result.ids).toEqual(greedy.slice(0, 4));
  const third = other.share();
  other.close();
  expect((await third.forward(inputIds)).shape[0]).toBe(inputIds.length);
  expect(native().liveBytes()).toBeGreaterThan(0);
  third.close();
  await third.closed;
  expect(native().liveBytes()).toBe(0);
});

test('one that waits is closed', async () => {
  const other = session.share();
  const first = session.forward(inputIds);
  const waits = errorOf(() => other.forward(inputIds));
  other.close();
  expect(await waits).toMatchObject({ code: 'CLOSED' });
  await first;
  await other.closed;
});

test('one that was closed during the pass of another is so when that is closed too', async () => {
  const other = session.share();
  await other.forward(inputIds);
  // It may be done before it is ended.
  const pass = session.forward(inputIds).catch(() => {});
  other.close();
  session.close();
  await Promise.all([pass, other.closed, session.closed]);
  expect(native().liveBytes()).toBe(0);
});

test('tokens of one have to fit beside those of the others', async () => {
  const length = inputIds.length;
  await session.setBudget(model.plan({ positions: 64 }).smallestBudgetBytes);
  const other = session.share();
  await session.forward(inputIds);
  expect(await errorOf(() => other.forward(inputIds))).toMatchObject({ code: 'OVER_BUDGET' });
  session.reset();
  expect((await other.forward(inputIds)).shape[0]).toBe(length);
});

test('the budget is that of all, whoever changes it', async () => {
  const other = session.share();
  const generation = other.generate(inputIds, { maxTokens: greedy.length });
  let index = 0;
  for await (const _ of generation)
    await [session, other][index++ % 2]!.setBudget(index % 3 ? '2 MiB' : '4 MiB');
  expect(generation.result.ids).toEqual(greedy);
  expect(session.budget).toBe(other.budget);
});
