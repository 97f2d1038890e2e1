/** GGUF models end to end: files of each element type, and reference models of each family converted to GGUF. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Model, openModel } from '../../src/inference/model';
import {
  expected,
  expectedHidden,
  fixture,
  floats,
  integers,
  largestDifference,
  readSafetensors,
} from '../support/fixtures';
import { convertToGguf } from '../support/gguf-models';
import { copyOf, temporaryFolder } from '../support/temporary';

const TOLERANCE = 1e-3;
const cli = join(__dirname, '../../dist/src/cli/main.js');

describe.each(['f16', 'q4_0', 'q4_k', 'q6_k', 'q8_0'])('llama-%s.gguf', (type) => {
  const path = fixture(`../gguf/llama-${type}.gguf`);
  const stored = readSafetensors(fixture(`../gguf/llama-${type}.expected.safetensors`));
  const [inputIds, greedy] = [integers(stored.input_ids!.bytes), integers(stored.greedy!.bytes)];
  const logits = floats(stored.logits!.bytes);

  test('logits and greedy tokens are those of the dequantized weights', async () => {
    const model = await openModel(path);
    expect(model).toMatchObject({
      name: `llama-${type}`,
      format: 'gguf',
      architecture: 'llama',
      endIds: [0],
    });
    const { smallestBudgetBytes } = model.plan({ positions: inputIds.length + greedy.length });
    for (const budget of [smallestBudgetBytes, Number.POSITIVE_INFINITY]) {
      const session = model.session({ budget, activations: 'f32' });
      const { data } = await session.forward(inputIds);
      expect(largestDifference(data, logits)).toBeLessThanOrEqual(TOLERANCE);
      const generation = session.generate(inputIds, { maxTokens: greedy.length });
      await generation.text();
      expect(generation.result.ids).toEqual(greedy);
      session.close();
      await session.closed;
    }
    model.close();
  });

  test('`hyperion logits` writes them', () => {
    const out = join(temporaryFolder(), 'logits.safetensors');
    const args = ['logits', path, '--ids', inputIds.join(','), '--out', out, '--activations', 'f32'];
    execFileSync(process.execPath, [cli, ...args], { stdio: 'pipe' });
    expect(largestDifference(floats(readSafetensors(out).logits!.bytes), logits)).toBeLessThanOrEqual(
      TOLERANCE,
    );
  });
});

/** What GGUF does not say of Gemma follows from the size of a head. */
const BY_HEAD = { query_pre_attn_scalar: 22 };

describe('models of PyTorch’s, converted to GGUF, compute what they did', () => {
  test.each<[string, string, object?]>([
    ['llama', 'llama'],
    ['llama-linear', 'llama'],
    ['llama-yarn', 'llama'],
    ['mistral-sharded', 'llama'],
    ['mistral-window', 'llama'],
    ['qwen2', 'qwen2'],
    ['qwen3', 'qwen3'],
    ['gemma2', 'gemma2', BY_HEAD],
    ['gemma3', 'gemma3', BY_HEAD],
    ['phi3', 'phi3'],
    ['phi3-longrope', 'phi3'],
    ['gpt2', 'gpt2'],
  ])('%s as %s', async (name, architecture, change = {}) => {
    const folder = copyOf(name);
    const config = join(folder, 'config.json');
    writeFileSync(config, JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), ...change }));
    const { inputIds } = expected(name);
    const [original, converted] = [
      await openModel(folder),
      await openModel(convertToGguf(folder, architecture)),
    ];
    const logits = async (model: Model) =>
      (await model.session({ activations: 'f32' }).forward(inputIds)).data;
    expect(largestDifference(await logits(converted), await logits(original))).toBeLessThanOrEqual(TOLERANCE);
    original.close();
    converted.close();
  });

  test.each(['bert', 'bert-odd'])('%s: the same hidden states', async (name) => {
    const { inputIds, hidden } = expectedHidden(name);
    const model = await openModel(convertToGguf(fixture(name), 'bert'));
    const session = model.session({ activations: 'f32' });
    const { data } = await session.hidden(inputIds);
    expect(largestDifference(data, hidden)).toBeLessThanOrEqual(TOLERANCE);
    model.close();
    await session.closed;
  });
});
