/** Sample models: the published sizes, the same bytes for the same seed, and models that run. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openModel } from '../../src/inference/model';
import { readSafetensorsHeader } from '../../src/model/safetensors';
import { sampleConfig, sampleTensors } from '../../src/model/sample/describe';
import { SHAPES } from '../../src/model/sample/shapes';
import { byteTokenizer } from '../../src/model/sample/tokenizer';
import { type SampleOptions, writeSample } from '../../src/model/sample/write';
import { Tokenizer } from '../../src/model/tokenizer';
import { native } from '../../src/native';
import { fixture, floats, readSafetensors } from '../support/fixtures';
import { errorOf, temporaryFolder } from '../support/temporary';

const TINY = { layers: 2, hidden: 64, heads: 4, kvHeads: 2, intermediate: 96, vocab: 300, context: 64 };

async function tiny(options: Partial<SampleOptions> = {}): Promise<string> {
  const directory = options.directory ?? temporaryFolder();
  await writeSample({ shape: 'tinyllama-1.1b', dtype: 'f32', sizes: TINY, ...options, directory });
  return directory;
}

describe('shapes', () => {
  // The number of parameters that each model's page gives.
  test.each([
    ['tinyllama-1.1b', 1_100_048_384],
    ['smollm2-135m', 134_515_008],
    ['qwen2-0.5b', 494_032_768],
    ['gpt2', 124_439_808],
  ] as const)('%s has the published number of parameters', (name, parameters) => {
    const count = sampleTensors(SHAPES[name]).map(({ shape }) =>
      shape.reduce((product, size) => product * size, 1),
    );
    expect(count.reduce((sum, number) => sum + number, 0)).toBe(parameters);
  });

  test.each([
    ['tinyllama-1.1b', 'llama'],
    ['qwen2-0.5b', 'qwen2'],
    ['gpt2', 'gpt2'],
  ] as const)('%s names its tensors and fields as transformers does', (shape, reference) => {
    const config = JSON.parse(readFileSync(join(fixture(reference), 'config.json'), 'utf8'));
    const stored = Object.keys(readSafetensors(join(fixture(reference), 'model.safetensors'))).sort();
    const layers = config.num_hidden_layers ?? config.n_layer;
    const names = sampleTensors({ ...SHAPES[shape], layers, tied: config.tie_word_embeddings }).map(
      ({ name }) => name,
    );
    expect(names.sort()).toEqual(stored);
    const own = Object.keys(sampleConfig(SHAPES[shape], 'BF16')).filter(
      (key) => !/^rope_(theta|scaling)$/.test(key),
    );
    for (const key of own) expect(config).toHaveProperty(key);
  });
});

test.each(['f32', 'f16', 'bf16'] as const)('%s: opens, runs, and writes its prompt back', async (dtype) => {
  const model = await openModel(await tiny({ dtype }));
  expect(model.layers[0]!.dtype).toBe(dtype.toUpperCase());
  const session = model.session();
  const generation = session.generate('naïve', { maxTokens: 5 });
  await generation.text();
  expect(generation.result).toMatchObject({ promptTokens: 6, finishReason: 'length' });
  model.close();
  await session.closed;
  expect(native().liveBytes()).toBe(0);
});

test('qwen2’s biases are drawn too', async () => {
  const directory = await tiny({ shape: 'qwen2-0.5b' });
  const model = await openModel(directory);
  expect(model.architecture).toBe('qwen2');
  expect(new Set(await model.tensor('model.layers.0.self_attn.k_proj.bias').read()).size).toBeGreaterThan(16);
  model.close();
});

test('projections are drawn around 0 with a deviation of 0.02, norms are 1', async () => {
  const model = await openModel(await tiny());
  const values = await model.tensor('model.embed_tokens.weight').read();
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.001);
  expect(Math.sqrt(variance)).toBeCloseTo(0.02, 3);
  expect((await model.tensor('model.norm.weight').read()).every((value) => value === 1)).toBe(true);
  const other = await model.tensor('lm_head.weight').read();
  expect(floats(new Uint8Array(other.buffer))).not.toEqual(values);
  model.close();
});

test('equal seeds give equal files, others do not', async () => {
  const bytes = async (seed: number) => readFileSync(join(await tiny({ seed }), 'model.safetensors'));
  const [a, b, c] = [await bytes(1), await bytes(1), await bytes(2)];
  expect(a.equals(b)).toBe(true);
  expect(a.equals(c)).toBe(false);
});

test('a tensor larger than a chunk is the same as drawn at once', async () => {
  const sizes = { ...TINY, vocab: 40_000 };
  const directory = await tiny({ sizes, seed: 9 });
  const stored = readSafetensors(join(directory, 'model.safetensors'))['model.embed_tokens.weight']!.bytes;
  const whole = new Uint8Array(stored.length);
  await native().fillNormal(whole, 'F32', 9, 0, 0.02);
  expect(stored.length).toBeGreaterThan(2 * 4 * 2 ** 20);
  expect(Buffer.from(stored).equals(whole)).toBe(true);
});

test('progress goes up to the bytes that are reported and written', async () => {
  const seen: number[][] = [];
  const directory = temporaryFolder();
  const bytes = await writeSample({
    ...{ shape: 'tinyllama-1.1b', dtype: 'f32', sizes: TINY, directory },
    onProgress: (done, total) => seen.push([done, total]),
  });
  expect(seen.at(-1)).toEqual([bytes, bytes]);
  expect(seen.map(([done]) => done)).toEqual(seen.map(([done]) => done).sort((a, b) => a! - b!));
  const stored = await readSafetensorsHeader(join(directory, 'model.safetensors'));
  expect(stored.reduce((sum, tensor) => sum + tensor.bytes, 0)).toBe(bytes);
});

describe('folders', () => {
  test('a folder that holds something is refused, unless its model is to be replaced', async () => {
    const directory = await tiny({ seed: 1 });
    writeFileSync(join(directory, 'notes.txt'), 'mine');
    const before = readFileSync(join(directory, 'model.safetensors'));
    const error = await errorOf(() => tiny({ directory, seed: 2 }));
    expect([error.code, error.message]).toEqual(['INVALID', expect.stringContaining('is not empty')]);
    expect(readFileSync(join(directory, 'model.safetensors')).equals(before)).toBe(true);
    await tiny({ directory, seed: 2, force: true });
    expect(readFileSync(join(directory, 'model.safetensors')).equals(before)).toBe(false);
    expect(readFileSync(join(directory, 'notes.txt'), 'utf8')).toBe('mine');
  });

  test('replacing takes the shards and the index of the model before away', async () => {
    const directory = temporaryFolder();
    for (const name of ['model-00001-of-00002.safetensors', 'model.safetensors.index.json']) {
      writeFileSync(join(directory, name), 'old');
    }
    await tiny({ directory, force: true });
    expect(readdirSync(directory).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
  });

  test('cancelled: nothing that passes for a model stays', async () => {
    const directory = temporaryFolder();
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    const sizes = { ...TINY, vocab: 200_000 };
    const error = await errorOf(() => tiny({ directory, sizes, signal: controller.signal, onProgress }));
    expect(error.code).toBe('CANCELLED');
    expect(readdirSync(directory)).toEqual([]);
  });

  test('a path through a file is IO', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    expect(await errorOf(() => tiny({ directory: join(folder, 'file', 'model') }))).toMatchObject({
      code: 'IO',
    });
    mkdirSync(join(folder, 'empty'));
    await tiny({ directory: join(folder, 'empty') });
  });
});

test.each([
  [{ shape: 'llama-7b' as never }, /shape is 'llama-7b'; it must be one of tinyllama/],
  [{ dtype: 'int8' as never }, /dtype is 'int8'/],
  [{ seed: -1 }, /seed is -1/],
  [{ sizes: { layers: 0 } }, /layers is 0/],
  [{ sizes: { hidden: 100 } }, /hidden is 100; it must be a multiple of 2 \* heads, 64/],
  [{ sizes: { kvHeads: 5 } }, /kvHeads is 5; heads, 32, must be a multiple/],
  [{ sizes: { vocab: 255 } }, /vocab is 255; it must be at least 256/],
  [{ shape: 'gpt2' as const, sizes: { kvHeads: 6 } }, /kvHeads is 6; gpt2 has as many as heads/],
])('%j is INVALID', async (options, message) => {
  const directory = join(temporaryFolder(), 'new');
  const error = await errorOf(() =>
    writeSample({ shape: 'tinyllama-1.1b', dtype: 'f32', ...options, directory }),
  );
  expect(error.code).toBe('INVALID');
  expect(error.message).toMatch(message);
});

test('the tokenizer of the largest vocabulary loads quickly and writes every byte', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(byteTokenizer(151_936)));
  const heapBefore = process.memoryUsage().heapUsed;
  const tokenizer = (await Tokenizer.fromFolder(folder))!;
  expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(150 * 2 ** 20);
  const everyByte = Array.from({ length: 256 }, (_, byte) => byte);
  expect(new TextEncoder().encode(tokenizer.decode(everyByte.slice(0, 128)))).toEqual(
    Uint8Array.from(everyByte.slice(0, 128)),
  );
  for (const byte of everyByte) expect(tokenizer.tokenOf(byte)).toHaveLength(1);
  expect(tokenizer.decode([72, 105, 151_935])).toBe('Hi<151935>');
});
