/** Prompt-lookup speculation: the same output as without, in fewer passes where a text repeats itself. */
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { lookUp } from '../../src/inference/decoder';
import { type Model, openModel } from '../../src/inference/model';
import type { GenerateOptions } from '../../src/inference/options';
import { packageRoot } from '../../src/root';
import { fixture } from '../support/fixtures';

const models = new Map<string, Model>();
afterAll(() => {
  for (const model of models.values()) model.close();
});

async function modelOf(name: string): Promise<Model> {
  const model = models.get(name) ?? (await openModel(fixture(name)));
  models.set(name, model);
  return model;
}

const pattern = (length: number, period: number) =>
  Array.from({ length }, (_, i) => ((i % period) * 31 + 7) % 97);
const PROMPTS = [pattern(40, 5), pattern(30, 13), pattern(24, 24), [3]];
const SAMPLINGS: GenerateOptions[] = [
  {},
  { temperature: 0.3, seed: 1 },
  { temperature: 1, topK: 4, seed: 2 },
  { temperature: 2, topP: 0.6, seed: 3 },
];

describe.each(['llama', 'gpt2', 'gemma2', 'mistral-window', 'qwen3'])('%s', (name) => {
  test.each(SAMPLINGS)('gives the same output as without: %j', async (options) => {
    const model = await modelOf(name);
    const session = model.session();
    for (const prompt of PROMPTS.map((ids) => ids.map((id) => id % model.vocabularySize))) {
      const plain = session.generate(prompt, options);
      const tokens = [];
      for await (const token of plain) tokens.push(token);
      const { position } = session;
      const speculated = session.generate(prompt, { ...options, speculate: 'prompt-lookup' });
      const same = [];
      for await (const token of speculated) same.push(token);
      expect(same).toEqual(tokens);
      expect(session.position).toBe(position);
      const { passes, proposed, accepted } = speculated.result.decoding;
      expect(accepted).toBeLessThanOrEqual(proposed);
      expect(passes + accepted).toBe(plain.result.decoding.passes);
    }
    session.close();
    await session.closed;
  });
});

test('takes fewer passes where a text repeats itself', async () => {
  const model = await openModel(join(packageRoot, 'notebooks/models/manpage'));
  const session = model.session();
  const options = { maxTokens: 120 };
  const plain = session.generate('.TH LS 1\n.SH NAME\nls ', options);
  await plain.text();
  const speculated = session.generate('.TH LS 1\n.SH NAME\nls ', { ...options, speculate: 'prompt-lookup' });
  await speculated.text();
  expect(speculated.result.ids).toEqual(plain.result.ids);
  expect(speculated.result.decoding.passes).toBeLessThan(plain.result.decoding.passes / 2);
});

test('runs under the budget of a generation without, to the end of the context', async () => {
  const model = await modelOf('llama');
  const { contextLength } = model;
  const prompt = pattern(contextLength - 40, 5);
  const { smallestBudgetBytes } = model.plan({ positions: contextLength, threads: 1 });
  const session = model.session({ budget: smallestBudgetBytes, threads: 1 });
  const plain = session.generate(prompt, { maxTokens: 41 });
  await plain.text();
  const speculated = session.generate(prompt, { maxTokens: 41, speculate: 'prompt-lookup' });
  await speculated.text();
  expect(speculated.result.ids).toEqual(plain.result.ids);
  expect(session.memory.reservedPeak).toBeLessThanOrEqual(smallestBudgetBytes);
});

test('a generation that is left keeps the tokens that were given, and no tried ones', async () => {
  const session = (await modelOf('llama')).session();
  const prompt = pattern(40, 5);
  for (const count of [1, 2, 3, 5, 9]) {
    let given = 0;
    for await (const _ of session.generate(prompt, { speculate: 'prompt-lookup' })) {
      given += 1;
      if (given === count) break;
    }
    expect(session.position).toBe(prompt.length + count - 1);
  }
});

describe('looking up', () => {
  test.each([
    ['what followed the last three', [1, 2, 3, 4, 5, 9, 1, 2, 3], 2, [4, 5]],
    ['the latest of several times', [1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 3], 1, [5]],
    ['what followed the last two where three are new', [1, 2, 3, 9, 1, 2], 3, [3, 9, 1]],
    ['what repeats itself, further', [7, 8, 7, 8, 7, 8], 5, [7, 8, 7, 8, 7]],
    ['nothing new', [1, 2, 3, 4, 5], 7, []],
    ['nothing after too few', [1, 1], 7, []],
    ['nothing where nothing more fits', [1, 2, 3, 1, 2, 3], 0, []],
  ])('finds %s', (_, tokens, most, found) => {
    expect(lookUp(tokens, most)).toEqual(found);
  });
});
