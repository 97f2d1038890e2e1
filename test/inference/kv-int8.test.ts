/** A KV cache of bytes: how far logits move, and that nothing but the numbers it holds moves them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Model, openModel } from '../../src/inference/model';
import { expected, fixture, largestDifference, sameBits } from '../support/fixtures';

/**
 * Of the largest logit. Each key and value is off by at most 1/254 of the largest of its head; measured are 0.4% (gpt2) to 1.5% (qwen2),
 * 2.1% (phi3), 2.3% (mistral-window) and 2.8% (llama-256).
 */
const TOLERANCE = 0.03;

const MODELS = ['gemma2', 'gemma3', 'gpt2', 'llama', 'llama-256', 'mistral-window', 'phi3', 'qwen2', 'qwen3'];

describe.each(MODELS)('%s', (name) => {
  const { inputIds, greedy, logits } = expected(name);
  let model: Model;
  beforeAll(async () => {
    model = await openModel(fixture(name));
  });
  afterAll(() => model.close());

  test('logits stay near PyTorch’s', async () => {
    const { data } = await model.session({ kv: 'int8' }).forward(inputIds);
    const largest = logits.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
    expect(largestDifference(data, logits)).toBeLessThan(TOLERANCE * largest);
  });

  test('the greedy tokens are the same, up to where two are nearer to each other than the error', async () => {
    const generation = model.session({ kv: 'int8' }).generate(inputIds, { maxTokens: greedy.length });
    await generation.text();
    const { ids } = generation.result;
    const same = ids.findIndex((id, index) => id !== greedy[index]);
    if (same < 0) return;
    const last = async (kv: 'f32' | 'int8') => {
      const all = await model.session({ kv }).forward([...inputIds, ...greedy.slice(0, same)]);
      return all.row(all.shape[0]! - 1);
    };
    const exact = await last('f32');
    const error = largestDifference(exact, await last('int8'));
    expect(exact[greedy[same]!]! - exact[ids[same]!]!).toBeLessThanOrEqual(2 * error);
    expect(same).toBeGreaterThan(8);
  });

  test('the same bits under the smallest budget, with any threads, one by one, and in a batch', async () => {
    const { data } = await model.session({ kv: 'int8' }).forward(inputIds);
    const row = data.length / inputIds.length;
    for (const threads of [1, 3]) {
      const plan = model.plan({ positions: inputIds.length, kv: 'int8', threads });
      const session = model.session({ budget: plan.smallestBudgetBytes, kv: 'int8', threads });
      for (const [index, id] of inputIds.entries()) {
        const one = await session.forward([id], { append: index > 0 });
        expect(sameBits(one.data, data.subarray(index * row, (index + 1) * row))).toBe(true);
      }
      expect(session.memory.reservedPeak).toBeLessThanOrEqual(plan.smallestBudgetBytes);
    }
    const session = model.session({ kv: 'int8' });
    const prompts = [inputIds, inputIds.slice(3), [5]];
    const alone = [];
    for (const prompt of prompts) alone.push(await session.generate(prompt, { maxTokens: 12 }).text());
    expect(await session.generateBatch(prompts, { maxTokens: 12 }).texts()).toEqual(alone);
  });
});

test('takes the bytes that the model says, about a quarter', async () => {
  const model = await openModel(fixture('llama-256'));
  const blocks = (kv: 'f32' | 'int8') => model.plan({ positions: 64, kv }).kvBytes;
  expect(blocks('f32')).toBe(Math.ceil((64 * model.kvBytesPerToken) / 4096) * 4096);
  expect(blocks('int8')).toBe(Math.ceil((64 * model.kvInt8BytesPerToken) / 4096) * 4096);
  expect(model.kvInt8BytesPerToken).toBeLessThan(0.3 * model.kvBytesPerToken);
  const session = model.session({ kv: 'int8' });
  await session.forward([1, 2, 3]);
  expect(session.memory.byTag['kv-cache']).toBe(blocks('int8'));
  model.close();
});
