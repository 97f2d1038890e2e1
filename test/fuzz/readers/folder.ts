/** The JSON files of a model folder: the index of shards, the configuration, the tokenizer. */
import { HyperionError } from '../../../src/errors';
import { openModel } from '../../../src/inference/model';
import { openCheckpoint } from '../../../src/model/checkpoint';
import { Tokenizer } from '../../../src/model/tokenizer';
import type { Field } from '../fields';
import type { Reader, Seed } from '../reader';
import { fixtureFiles } from './fixtures';
import { entry, safetensorsFile } from './safetensors';
import { TOKENIZERS } from './tokenizers';

const layout = (content: Uint8Array): readonly Field[] => [{ kind: 'json', prefix: 0, content }];
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

const SHARDS = {
  'config.json': json({}),
  '1.safetensors': safetensorsFile({ a: entry('F32', [1], 0, 4), b: entry('F16', [1], 4, 6) }),
  '2.safetensors': safetensorsFile({ c: entry('F32', [1], 0, 4) }),
  'model.safetensors.index.json': json({
    metadata: { total_size: 10 },
    weight_map: { a: '1.safetensors', b: '1.safetensors', c: '2.safetensors' },
  }),
};

export const sharded: Reader = {
  name: 'sharded',
  layout,
  seeds: () => [{ name: 'shards', file: 'model.safetensors.index.json', files: SHARDS }],
  async read(folder) {
    await openCheckpoint(folder, { tokenizer: false });
  },
};

const CONFIGURED = [
  ...['llama', 'llama-yarn', 'mistral-window', 'qwen2', 'qwen3', 'phi3', 'phi3-longrope'],
  ...['gemma2', 'gemma3', 'gpt2', 'bert'],
];

/** With the weights beside it, so that a configuration that does not go with them is met too. */
export const config: Reader = {
  name: 'config',
  layout,
  seeds: () => [
    ...CONFIGURED.map((name): Seed => ({ name, file: 'config.json', files: fixtureFiles(name) })),
    {
      name: 'generation',
      file: 'generation_config.json',
      files: { ...fixtureFiles('llama'), 'generation_config.json': json({ eos_token_id: [0, 1] }) },
    },
  ],
  async read(folder) {
    const model = await openModel(folder, { tokenizer: false });
    try {
      model.plan();
    } finally {
      model.close();
    }
  },
};

const TEXT = 'Hello, <s> world!  1234 é\n\t日本 😀';

/** Both ways. That a vocabulary cannot write the text is an answer. */
export function useTokenizer(opened: Tokenizer): void {
  try {
    opened.decode(opened.encode(TEXT));
  } catch (error) {
    if (!(error instanceof HyperionError && error.code === 'INVALID')) throw error;
  }
  opened.decode([0, 1, 2, 2 ** 31 - 1]);
}

export const tokenizer: Reader = {
  name: 'tokenizer',
  layout,
  seeds: () => [
    ...Object.entries(TOKENIZERS).map(
      ([name, value]): Seed => ({ name, file: 'tokenizer.json', files: { 'tokenizer.json': json(value) } }),
    ),
    {
      name: 'settings',
      file: 'tokenizer_config.json',
      files: {
        'tokenizer.json': json(TOKENIZERS.byteLevel),
        'tokenizer_config.json': json({ add_bos_token: true, bos_token: '<s>', legacy: false }),
      },
    },
  ],
  async read(folder) {
    const opened = await Tokenizer.fromFolder(folder);
    if (!opened) throw new Error('a tokenizer.json that is there was not seen');
    useTokenizer(opened);
  },
};
