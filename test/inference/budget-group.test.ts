/** Sessions of two models under one budget: never more together, and the same tokens. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Model, openModel } from '../../src/inference/model';
import { type BudgetGroup, createBudgetGroup } from '../../src/memory/budget-group';
import { native } from '../../src/native';
import { expected, fixture } from '../support/fixtures';
import { errorOf } from '../support/temporary';

const MIB = 2 ** 20;
const llama = expected('llama');
const gpt2 = expected('gpt2');
let first: Model;
let second: Model;
let group: BudgetGroup;

beforeEach(async () => {
  first = await openModel(fixture('llama'));
  second = await openModel(fixture('gpt2'));
});
afterEach(async () => {
  first.close();
  second.close();
  group.close();
  await expect.poll(() => native().liveBytes(), { timeout: 10_000 }).toBe(0);
});

const least = (model: Model, positions = 1) => model.plan({ positions }).smallestBudgetBytes;
const positions = ({ inputIds, greedy }: typeof llama) => inputIds.length + greedy.length - 1;
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
/** Bytes that the members may hold, and do hold, together. */
const together = () => [
  sum(group.members.map(({ budget }) => budget)),
  sum(group.members.map(({ held }) => held)),
];

describe('two models', () => {
  /** Room for both generations and little more. */
  const tight = () =>
    createBudgetGroup(least(first, positions(llama)) + least(second, positions(gpt2)) + 256 * 1024);

  test('generate in turns, token by token, the same tokens, and never hold more than the group has', async () => {
    group = tight();
    const sessions = [first.session({ budget: group }), second.session({ budget: group })];
    const generations = [llama, gpt2].map(({ inputIds, greedy }, index) =>
      sessions[index]!.generate(inputIds, { maxTokens: greedy.length }),
    );
    for (let going = true; going; ) {
      const steps = [];
      for (const generation of generations) {
        steps.push(await generation.next());
        for (const bytes of together()) expect(bytes).toBeLessThanOrEqual(group.budget);
      }
      going = steps.some(({ done }) => !done);
    }
    expect(generations.map(({ result }) => result.ids)).toEqual([llama.greedy, gpt2.greedy]);
  });

  test('generate at the same time, while sessions come and go and the budget changes', async () => {
    group = createBudgetGroup('16 MiB');
    const sessions = [first.session({ budget: group }), second.session({ budget: group })];
    const generations = [llama, gpt2].map(({ inputIds, greedy }, index) =>
      sessions[index]!.generate(inputIds, { maxTokens: greedy.length }),
    );
    const texts = Promise.all(generations.map((generation) => generation.text()));
    for (let turn = 0; turn < 5; turn += 1) {
      const guest = first.session({ budget: group });
      await guest.forward(llama.inputIds);
      await group.setBudget(turn % 2 ? '16 MiB' : '12 MiB');
      for (const bytes of together()) expect(bytes).toBeLessThanOrEqual(group.budget);
      guest.close();
      await guest.closed;
    }
    await texts;
    expect(generations.map(({ result }) => result.ids)).toEqual([llama.greedy, gpt2.greedy]);
  });

  test('who joins a group that is given away computes when the others have made room', async () => {
    group = tight();
    const one = first.session({ budget: group });
    await one.forward(llama.inputIds);
    const two = second.session({ budget: group });
    expect(sum([one.budget, two.budget])).toBeLessThanOrEqual(group.budget);
    await two.forward(gpt2.inputIds);
    expect(two.budget).toBeGreaterThanOrEqual(least(second));
    expect(sum([one.budget, two.budget])).toBeLessThanOrEqual(group.budget);
  });

  test('a generation takes what the idle one can do without, and gives it back to one that generates', async () => {
    group = createBudgetGroup(least(first) + second.plan({ positions: positions(gpt2) }).workingSetBytes);
    const [one, two] = [first.session({ budget: group }), second.session({ budget: group })];
    await one.forward(llama.inputIds);
    await two.forward(gpt2.inputIds);
    one.reset();
    const generation = two.generate(gpt2.inputIds, { maxTokens: 2 });
    await generation.next();
    expect(one.budget).toBeLessThan(least(first) + 64 * 1024);
    expect(group.members.map(({ active }) => active)).toEqual([false, true]);
    const other = one.generate(llama.inputIds, { maxTokens: 4 });
    await other.next();
    const shared = one.budget;
    await generation.return();
    await expect.poll(() => one.budget).toBeGreaterThan(shared);
    await other.return();
  });
});

describe('what does not fit is refused, naming the group’s smallest', () => {
  test('a session', async () => {
    group = createBudgetGroup(least(first) + least(second) - 1);
    first.session({ budget: group });
    const error = await errorOf(() => second.session({ budget: group }));
    expect(error.code).toBe('OVER_BUDGET');
    expect(error.details.smallestBudgetBytes).toBe(least(first) + least(second));
    expect(error.message).toContain("the group's budget");
    expect(group.members).toHaveLength(1);
  });

  test('a generation', async () => {
    group = createBudgetGroup(least(first) + least(second) + 4096);
    const [one] = [first.session({ budget: group }), second.session({ budget: group })];
    const long = { maxTokens: first.contextLength - llama.inputIds.length };
    const error = await errorOf(() => one.generate(llama.inputIds, long));
    expect(error.code).toBe('OVER_BUDGET');
    await group.setBudget(error.details.smallestBudgetBytes!);
    await one.generate(llama.inputIds, long).next();
  });

  test('a budget', async () => {
    group = createBudgetGroup('8 MiB');
    first.session({ budget: group });
    second.session({ budget: group });
    const error = await errorOf(() => group.setBudget(least(first)));
    expect(error).toMatchObject({ code: 'OVER_BUDGET' });
    expect(error.details.smallestBudgetBytes).toBeGreaterThan(least(first));
    expect(group.budget).toBe(8 * MIB);
  });

  test.each([0, -1, 'much', 'unlimited', Number.POSITIVE_INFINITY, undefined])(
    '%s: no budget of a group',
    async (budget) => {
      group = createBudgetGroup('8 MiB');
      expect(() => createBudgetGroup(budget as never)).toThrow('budget');
      expect(await errorOf(() => group.setBudget(budget as never))).toMatchObject({ code: 'INVALID' });
    },
  );

  test('a static strategy, which cannot shrink', async () => {
    group = createBudgetGroup('8 MiB');
    const fixed = { budget: group, strategy: 'static' } as const;
    expect(await errorOf(() => first.session(fixed))).toMatchObject({ code: 'INVALID' });
  });
});

test('a model that is closed takes its sessions along, at any moment', async () => {
  group = createBudgetGroup('8 MiB');
  const one = first.session({ budget: group });
  const two = second.session({ budget: group });
  // One pass of so small a model may be over before the next line; the text of eight is not.
  const words = errorOf(() => one.generate(llama.inputIds, { maxTokens: 8 }).text());
  first.close();
  expect(await words).toMatchObject({ code: 'CLOSED' });
  await one.closed;
  await expect.poll(() => group.members.length).toBe(1);
  await expect.poll(() => two.budget).toBeGreaterThan(least(second));
  const text = errorOf(() => two.generate(gpt2.inputIds, { maxTokens: 8 }).text());
  second.close();
  expect(await text).toMatchObject({ code: 'CLOSED' });
  await expect.poll(() => group.members).toEqual([]);
});

test('sessions leave with a budget of their own, join later, and keep theirs when the group ends', async () => {
  group = createBudgetGroup('8 MiB');
  const one = first.session({ budget: group });
  const two = second.session();
  await two.setBudget(group);
  expect(group.members.map(({ name }) => name)).toEqual([
    expect.stringContaining(first.name),
    expect.stringContaining(second.name),
  ]);
  expect(String(group)).toContain('8.0 MiB');
  await one.setBudget('3 MiB');
  expect(one.budget).toBe(3 * MIB);
  expect(group.members).toHaveLength(1);
  group.close();
  group.close();
  expect(group.members).toEqual([]);
  const { budget } = two;
  expect(budget).toBeLessThanOrEqual(8 * MIB);
  await two.generate(gpt2.inputIds, { maxTokens: 2 }).text();
  expect(two.budget).toBe(budget);
  expect(await errorOf(() => one.setBudget(group))).toMatchObject({ code: 'CLOSED' });
  expect(await errorOf(() => first.session({ budget: group }))).toMatchObject({ code: 'CLOSED' });
  expect(await errorOf(() => group.setBudget('4 MiB'))).toMatchObject({ code: 'CLOSED' });
});
