/** Encoders: hidden states against PyTorch's, sentence embeddings, and what they refuse. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openModel } from '../../src/inference/model';
import {
  expectedHidden,
  fixture,
  floats,
  largestDifference,
  readSafetensors,
  sameBits,
} from '../support/fixtures';
import { errorOf, temporaryFolder } from '../support/temporary';

const TOLERANCE = 1e-3;
const cli = join(__dirname, '../../dist/src/cli/main.js');

describe.each(['bert', 'bert-odd'])('%s', (name) => {
  const { inputIds, hidden } = expectedHidden(name);

  test('hidden states equal PyTorch’s', async () => {
    using model = await openModel(fixture(name));
    expect(model.result).toBe('hidden');
    const result = await model.session().hidden(inputIds);
    expect(result.shape).toEqual([inputIds.length, model.width]);
    expect(largestDifference(result.data, hidden)).toBeLessThanOrEqual(TOLERANCE);
  });

  test('the smallest budget and three threads: the same bits, within the budget', async () => {
    using model = await openModel(fixture(name));
    const reference = await model.session({ threads: 1 }).hidden(inputIds);
    const { smallestBudgetBytes } = model.plan({ positions: inputIds.length, threads: 3 });
    const session = model.session({ budget: smallestBudgetBytes, threads: 3 });
    expect(sameBits((await session.hidden(inputIds)).data, reference.data)).toBe(true);
    expect(session.memory.peak).toBeLessThanOrEqual(session.budget);
  });

  test('`hyperion logits` writes the hidden states', async () => {
    const out = join(temporaryFolder(), 'hidden.safetensors');
    const args = ['logits', fixture(name), '--ids', inputIds.join(','), '--out', out, '--activations', 'f32'];
    execFileSync(process.execPath, [cli, ...args, '--threads', '2'], { stdio: 'pipe' });
    const written = readSafetensors(out).hidden!;
    expect(written.shape).toEqual([inputIds.length, hidden.length / inputIds.length]);
    expect(largestDifference(floats(written.bytes), hidden)).toBeLessThanOrEqual(TOLERANCE);
  });
});

test('a text is computed in one piece: its plan grows with it, and one longer than a chunk is right', async () => {
  using model = await openModel(fixture('bert'));
  const [short, long] = [16, 128].map((positions) => model.plan({ positions }));
  expect(short!.prefillChunk).toBe(16);
  expect(long!.prefillChunk).toBe(128);
  expect(long!.activationBytes).toBeGreaterThan(4 * short!.activationBytes);
  const { inputIds } = expectedHidden('bert');
  const text = Array.from({ length: 128 }, (_, index) => inputIds[index % inputIds.length]!);
  const session = model.session({ budget: long!.smallestBudgetBytes });
  const reference = await model.session().hidden(text);
  expect(sameBits((await session.hidden(text)).data, reference.data)).toBe(true);
  const first = await session.hidden(text.slice(0, 64));
  expect(sameBits(first.row(0), reference.row(0)), 'earlier tokens see later ones').toBe(false);
});

test('a budget that holds a short text refuses a long one, and names what it takes', async () => {
  using model = await openModel(fixture('bert'));
  const { smallestBudgetBytes } = model.plan({ positions: 8 });
  const session = model.session({ budget: smallestBudgetBytes });
  await session.hidden(Array(8).fill(3));
  const error = await errorOf(() => session.hidden(Array(128).fill(3)));
  expect(error.code).toBe('OVER_BUDGET');
  expect(error.details.smallestBudgetBytes).toBe(model.plan({ positions: 128 }).smallestBudgetBytes);
});

test('encode pools: the mean of the tokens, or the first one', async () => {
  using model = await openModel(fixture('bert'));
  const session = model.session();
  const { inputIds, hidden } = expectedHidden('bert');
  const mean = Array.from({ length: model.width }, (_, column) => {
    const values = inputIds.map((_, row) => hidden[row * model.width + column]!);
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  });
  const near = (a: Float32Array, b: ArrayLike<number>) =>
    expect(largestDifference(a, Float32Array.from(b))).toBeLessThanOrEqual(TOLERANCE);
  near(await session.encode(inputIds), mean);
  near(await session.encode(inputIds, { pooling: 'mean' }), mean);
  near(await session.encode(inputIds, { pooling: 'cls' }), hidden.slice(0, model.width));
  const error = await errorOf(() => session.encode(inputIds, { pooling: 'max' as never }));
  expect(error.code).toBe('INVALID');
  expect(error.message).toContain('pooling');
});

test('encode takes text, through the tokenizer', async () => {
  using model = await openModel(fixture('bert'));
  const session = model.session();
  const ids = model.tokenizer!.encode('the cat sat');
  expect(sameBits(await session.encode('the cat sat'), await session.encode(ids))).toBe(true);
});

test('an encoder generates nothing, and a decoder encodes nothing', async () => {
  using encoder = await openModel(fixture('bert'));
  using decoder = await openModel(fixture('llama'));
  for (const action of [
    () => encoder.session().generate([1, 2]),
    () => encoder.session().forward([1, 2]),
    () => decoder.session().encode([1, 2]),
    () => decoder.session().hidden([1, 2]),
  ]) {
    const { code, message } = await errorOf(action);
    expect(code).toBe('INVALID');
    expect(message).toMatch(/is an encoder.*hidden|is a decoder.*forward/);
  }
});
