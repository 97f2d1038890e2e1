/** What openModel reads, and every folder that it refuses. */
import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openModel } from '../../src/inference/model';
import { native } from '../../src/native';
import { fixture, floats, readSafetensors } from '../support/fixtures';
import { copyOf, errorOf, writeHeader } from '../support/temporary';

afterEach(() => {
  expect(native().liveBytes()).toBe(0);
});

interface Index {
  weight_map?: Record<string, string>;
}

function edit<Json>(folder: string, file: string, change: (json: Json) => void): void {
  const path = join(folder, file);
  const json = JSON.parse(readFileSync(path, 'utf8'));
  change(json);
  writeFileSync(path, JSON.stringify(json));
}

describe('what a model says of itself', () => {
  test('llama', async () => {
    const model = await openModel(fixture('llama'));
    expect(model).toMatchObject({
      name: 'llama',
      path: fixture('llama'),
      format: 'safetensors',
      architecture: 'llama',
      parameters: 250_432,
      bytes: 4 * 250_432,
      contextLength: 256,
      vocabularySize: 512,
      endIds: [0],
    });
    expect(model.layerNames).toEqual([
      'embedding',
      ...[0, 1, 2, 3].flatMap((i) => [`layers.${i}.attention`, `layers.${i}.feed_forward`]),
      'norm',
      'output',
    ]);
    expect(model.layers.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(model.bytes);
    expect(model.config.rms_norm_eps).toBe(1e-6);
    model.close();
  });

  test('a tied embedding is in two layers and counts once', async () => {
    const model = await openModel(fixture('qwen2'));
    expect(model.layers[0]!.tensors).toEqual(model.layers.at(-1)!.tensors);
    expect(model.layers.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(
      model.bytes + model.layers[0]!.bytes,
    );
    model.close();
  });

  test('a single file, with the configuration beside it', async () => {
    const model = await openModel(join(fixture('llama'), 'model.safetensors'));
    expect(model.architecture).toBe('llama');
    model.close();
  });

  test('shards, in the order of their files', async () => {
    const model = await openModel(fixture('mistral-sharded'));
    const files = model.tensors.map(({ file }) => file);
    expect(new Set(files).size).toBe(5);
    expect(files).toEqual([...files].sort());
    model.close();
  });

  test('without tokenizer.json there is none; text is refused and ids are not', async () => {
    const folder = copyOf('llama');
    rmSync(join(folder, 'tokenizer.json'));
    const model = await openModel(folder);
    expect(model.tokenizer).toBeNull();
    const session = model.session();
    const error = await errorOf(() => session.generate('Hello'));
    expect([error.code, error.message]).toEqual(['INVALID', expect.stringContaining('no tokenizer')]);
    expect((await session.forward([1])).shape).toEqual([1, 512]);
    expect(await session.generate([1], { maxTokens: 2 }).text()).toBe('');
    model.close();
    await session.closed;
  });

  test.each(['llama', 'llama-256', 'mistral-sharded'])(
    '%s: tensors are read as they are stored',
    async (name) => {
      const model = await openModel(fixture(name));
      for (const { name: tensor, file, bytes } of model.tensors) {
        const read = await model.tensor(tensor).readBytes();
        expect(read.length).toBe(bytes);
        expect(Buffer.from(readSafetensors(file)[tensor]!.bytes).equals(read)).toBe(true);
      }
      model.close();
    },
  );

  test('values are the stored numbers', async () => {
    const folder = copyOf('llama');
    const model = await openModel(folder);
    const stored = readSafetensors(join(folder, 'model.safetensors'))['model.norm.weight']!;
    expect(await model.tensor('model.norm.weight').read()).toEqual(floats(stored.bytes));
    model.close();
  });
});

describe('folders that are refused', () => {
  const cases: [string, string, (folder: string) => void, string, RegExp][] = [
    ['nothing at the path', 'llama', (f) => rmSync(f, { recursive: true }), 'IO', /there is no such file/],
    [
      'no config.json',
      'llama',
      (f) => rmSync(join(f, 'config.json')),
      'IO',
      /config\.json: there is no such file/,
    ],
    [
      'config.json is not JSON',
      'llama',
      (f) => writeFileSync(join(f, 'config.json'), '{'),
      'BAD_FORMAT',
      /not valid JSON/,
    ],
    [
      'config.json is a list',
      'llama',
      (f) => writeFileSync(join(f, 'config.json'), '[]'),
      'BAD_FORMAT',
      /JSON object/,
    ],
    [
      'no weights',
      'llama',
      (f) => rmSync(join(f, 'model.safetensors')),
      'IO',
      /model\.safetensors: there is no/,
    ],
    [
      'weights cut short',
      'llama',
      (f) => truncateSync(join(f, 'model.safetensors'), 100_000),
      'BAD_FORMAT',
      /behind the end of the file; is the file complete/,
    ],
    [
      'a shard that is missing',
      'mistral-sharded',
      (f) => rmSync(join(f, 'model-00003-of-00005.safetensors')),
      'IO',
      /model-00003-of-00005\.safetensors: there is no such file/,
    ],
    [
      'an index without a map',
      'mistral-sharded',
      (f) => edit<Index>(f, 'model.safetensors.index.json', (index) => delete index.weight_map),
      'BAD_FORMAT',
      /'weight_map' is missing/,
    ],
    [
      'an index that names a tensor its shard lacks',
      'mistral-sharded',
      (f) =>
        edit<Index>(f, 'model.safetensors.index.json', (index) => {
          index.weight_map!.extra = 'model-00001-of-00005.safetensors';
        }),
      'BAD_FORMAT',
      /tensor 'extra' is not in its shard model-00001-of-00005/,
    ],
    [
      'an index that leaves a tensor out',
      'mistral-sharded',
      (f) =>
        edit<Index>(f, 'model.safetensors.index.json', (index) => delete index.weight_map!['lm_head.weight']),
      'BAD_FORMAT',
      /'lm_head\.weight'/,
    ],
    [
      'an index that leaves the folder',
      'mistral-sharded',
      (f) =>
        edit<Index>(f, 'model.safetensors.index.json', (index) => {
          index.weight_map!['lm_head.weight'] = '../model.safetensors';
        }),
      'BAD_FORMAT',
      /not a file name/,
    ],
  ];

  test.each(cases)('%s', async (_, name, damage, code, message) => {
    const folder = copyOf(name);
    damage(folder);
    const error = await errorOf(() => openModel(folder));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  test.each([
    ['', 'INVALID', /name a model folder/],
    [undefined as never, 'INVALID', /name a model folder/],
    [join(fixture('llama'), 'config.json'), 'UNSUPPORTED', /not a model that can be read/],
  ])('the path %j', async (path, code, message) => {
    const error = await errorOf(() => openModel(path));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });
});

describe('configurations that are refused', () => {
  /** A field that becomes undefined is left out. */
  const cases: [string, object, string, RegExp][] = [
    ['hidden_size missing', { hidden_size: undefined }, 'BAD_FORMAT', /'hidden_size' is missing/],
    ['hidden_size as text', { hidden_size: '64' }, 'BAD_FORMAT', /'hidden_size' is "64"; it must be a whole/],
    ['hidden_size 0', { hidden_size: 0 }, 'BAD_FORMAT', /'hidden_size' is 0/],
    ['1e12 layers', { num_hidden_layers: 1e12 }, 'BAD_FORMAT', /'num_hidden_layers' is 1000000000000/],
    ['layers without tensors', { num_hidden_layers: 2 ** 14 }, 'BAD_FORMAT', /no tensor 'model\.layers\.4\./],
    ['heads that do not divide', { num_key_value_heads: 3 }, 'BAD_FORMAT', /multiple of num_key_value_heads/],
    [
      'an odd head_dim',
      { num_attention_heads: 64, num_key_value_heads: 32, head_dim: 1 },
      'BAD_FORMAT',
      /head_dim 1 must be even/,
    ],
    ['a huge head_dim', { head_dim: 2 ** 28 }, 'BAD_FORMAT', /heads of 268435456 numbers/],
    [
      'a width that heads do not divide',
      { num_attention_heads: 6, head_dim: undefined },
      'BAD_FORMAT',
      /not a multiple of num_attention_heads/,
    ],
    ['another vocabulary', { vocab_size: 513 }, 'BAD_FORMAT', /embed_tokens.* \[512,64\]; .*\[513,64\]/],
    ['another width', { intermediate_size: 100 }, 'BAD_FORMAT', /gate_proj\.weight' has the shape/],
    ['eps of 0', { rms_norm_eps: 0 }, 'BAD_FORMAT', /'rms_norm_eps' is 0/],
    [
      'a bias that is missing',
      { attention_bias: true },
      'BAD_FORMAT',
      /no tensor '.*q_proj\.bias' of shape \[64\]/,
    ],
    ['a flag as text', { tie_word_embeddings: 'no' }, 'BAD_FORMAT', /'tie_word_embeddings' is "no"/],
    ['another activation', { hidden_act: 'relu' }, 'UNSUPPORTED', /activation 'relu' is not .*; silu, /],
    [
      'dynamic scaling',
      { rope_parameters: { rope_type: 'dynamic', factor: 2 } },
      'UNSUPPORTED',
      /rotary scaling 'dynamic' is not supported; default, linear, llama3, yarn, longrope are/,
    ],
    [
      'longrope factors that are too few',
      { rope_parameters: { rope_type: 'longrope', short_factor: [1] } },
      'BAD_FORMAT',
      /short_factor has 1 numbers; the heads turn 8 pairs/,
    ],
    ['rope_parameters as a list', { rope_parameters: [] }, 'BAD_FORMAT', /'rope_parameters' is \[\]/],
    [
      'more than a head turned',
      { rope_parameters: { partial_rotary_factor: 1.5 } },
      'BAD_FORMAT',
      /partial_rotary_factor 1.5 is above 1/,
    ],
    [
      'linear scaling without a factor',
      { rope_parameters: { rope_type: 'linear' } },
      'BAD_FORMAT',
      /'rope_parameters\.factor' is missing/,
    ],
    ['quantized weights', { quantization_config: { bits: 4 } }, 'UNSUPPORTED', /quantization_config/],
    [
      'no architecture at all',
      { architectures: undefined, model_type: undefined },
      'BAD_FORMAT',
      /'model_type' is missing/,
    ],
    ['an inherited name', { architectures: ['constructor'] }, 'UNSUPPORTED', /'constructor'/],
    [
      'an architecture that is not known',
      { architectures: ['MambaForCausalLM'] },
      'UNSUPPORTED',
      /architecture 'MambaForCausalLM' is not supported; llama, mistral, .*bert/,
    ],
  ];

  test.each(cases)('%s', async (_, fields, code, message) => {
    const folder = copyOf('llama');
    edit<object>(folder, 'config.json', (config) => Object.assign(config, fields));
    const error = await errorOf(() => openModel(folder));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  test('weights of a type that the engine does not compute with', async () => {
    const folder = copyOf('llama');
    const tensors = readSafetensors(join(folder, 'model.safetensors'));
    let end = 0;
    const entries = Object.entries(tensors).map(([name, { shape, bytes }]) => {
      const entry = { dtype: 'I32', shape, data_offsets: [end, end + bytes.length] };
      end += bytes.length;
      return [name, entry];
    });
    writeHeader(join(folder, 'model.safetensors'), Object.fromEntries(entries), end);
    const error = await errorOf(() => openModel(folder));
    expect([error.code, error.message]).toEqual([
      'UNSUPPORTED',
      expect.stringMatching(/dtype I32; the engine computes/),
    ]);
  });
});

test('the older way to write rotary parameters gives the same numbers', async () => {
  const folder = copyOf('llama');
  const fields = { rope_parameters: undefined, rope_theta: 10_000, rope_scaling: null };
  edit<object>(folder, 'config.json', (config) => Object.assign(config, fields));
  const [model, older] = [await openModel(fixture('llama')), await openModel(folder)];
  const [a, b] = [await model.session().forward([1, 2, 3]), await older.session().forward([1, 2, 3])];
  expect(b.data).toEqual(a.data);
  await close(model, older);
});

test('generation_config.json has the last word on end tokens', async () => {
  const folder = copyOf('llama');
  writeFileSync(join(folder, 'generation_config.json'), '{"eos_token_id":[510,7]}');
  const model = await openModel(folder);
  expect(model.endIds).toEqual([510, 7]);
  model.close();
});

test('a file that is replaced while it is open stays what it was', async () => {
  const folder = copyOf('llama');
  const model = await openModel(folder);
  const before = await model.tensor('model.norm.weight').readBytes();
  renameSync(join(folder, 'model.safetensors'), join(folder, 'old.safetensors'));
  writeFileSync(join(folder, 'model.safetensors'), 'something else');
  expect(await model.tensor('model.norm.weight').readBytes()).toEqual(before);
  model.close();
});

async function close(...models: Awaited<ReturnType<typeof openModel>>[]): Promise<void> {
  for (const model of models) model.close();
  while (native().liveBytes() > 0) await new Promise(setImmediate);
}
