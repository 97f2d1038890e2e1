/** Every architecture against PyTorch, with sizes that are multiples of nothing: under little memory, and token by token. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openModel } from '../../src/inference/model';
import { expected, fixture, largestDifference, sameBits } from '../support/fixtures';
import { copyOf } from '../support/temporary';

const TOLERANCE = 1e-3;
const MODELS = [
  'llama-linear',
  'llama-yarn',
  'mistral-window',
  'qwen2-window',
  'gemma2',
  'gemma3',
  'phi3',
  'phi3-longrope',
  'gpt2-odd',
];

describe.each(MODELS)('%s', (name) => {
  const { inputIds, greedy, logits } = expected(name);

  test('logits and greedy tokens equal PyTorch’s', async () => {
    using model = await openModel(fixture(name));
    const session = model.session();
    const result = await session.forward(inputIds);
    expect(result.shape).toEqual([inputIds.length, model.vocabularySize]);
    expect(largestDifference(result.data, logits)).toBeLessThanOrEqual(TOLERANCE);
    const generation = session.generate(inputIds, { maxTokens: greedy.length });
    await generation.text();
    expect(generation.result.ids).toEqual(greedy);
  });

  test('the smallest budget and three threads: the same bits', async () => {
    using model = await openModel(fixture(name));
    const { smallestBudgetBytes } = model.plan({ positions: inputIds.length, threads: 3 });
    const session = model.session({ budget: smallestBudgetBytes, threads: 3 });
    const reference = await model.session({ threads: 1 }).forward(inputIds);
    expect(sameBits((await session.forward(inputIds)).data, reference.data)).toBe(true);
    expect(session.memory.peak).toBeLessThanOrEqual(session.budget);
  });

  test('tokens given one by one: the same bits', async () => {
    using model = await openModel(fixture(name));
    const together = await model.session().forward(inputIds);
    const session = model.session();
    for (const [index, id] of inputIds.entries()) {
      const one = await session.forward([id], { append: index > 0 });
      expect(sameBits(one.data, together.row(index))).toBe(true);
    }
  });
});

test('longrope: texts up to the original context, whose frequencies stay the same as they grow', async () => {
  using model = await openModel(fixture('phi3-longrope'));
  expect(model.contextLength).toBe(40);
});

test.each<[string, (config: Record<string, unknown>) => object]>([
  [
    'gemma3',
    () => ({
      rope_theta: 1_000_000,
      rope_local_base_freq: 100,
      rope_scaling: { rope_type: 'linear', factor: 2 },
    }),
  ],
  [
    'phi3-longrope',
    ({ rope_parameters }) => {
      const { short_factor, long_factor, rope_theta } = rope_parameters as Record<string, unknown>;
      return { rope_theta, rope_scaling: { type: 'su', short_factor, long_factor } };
    },
  ],
  ['phi3', () => ({ rope_theta: 1000, partial_rotary_factor: 0.6, rope_scaling: null })],
  [
    'llama-yarn',
    () => ({
      rope_theta: 10_000,
      rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 16 },
    }),
  ],
])('%s configured as transformers 4 does: the same bits', async (name, older) => {
  const folder = copyOf(name);
  const path = join(folder, 'config.json');
  const { rope_parameters, ...config } = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...config, ...older({ rope_parameters }) }));
  const { inputIds } = expected(name);
  using model = await openModel(folder);
  using reference = await openModel(fixture(name));
  const { data } = await model.session().forward(inputIds);
  expect(sameBits(data, (await reference.session().forward(inputIds)).data)).toBe(true);
});
