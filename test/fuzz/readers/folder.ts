/** The JSON files of a model folder: the index of shards, the configuration, the tokenizer. */
import { openModel } from '../../../src/inference/model';
import { openCheckpoint } from '../../../src/model/checkpoint';
import { Tokenizer } from '../../../src/model/tokenizer';
import type { Field } from '../fields';
import type { Reader, Seed } from '../reader';
import { fixtureFiles } from './fixtures';
import { TOKENIZERS } from './tokenizers';

const layout = (content: Uint8Array): readonly Field[] => [{ kind: 'json', prefix: 0, content }];
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

export const sharded: Reader = {
  name: 'sharded',
  layout,
  seeds: () => [
    { name: 'mistral', file: 'model.safetensors.index.json', files: fixtureFiles('mistral-sharded') },
  ],
  async read(folder) {
    await openCheckpoint(folder, { tokenizer: false });
  },
};

const CONFIGURED = ['llama', 'qwen2', 'qwen3', 'mistral-sharded', 'gpt2', 'bert'];

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
    opened.decode(opened.encode(TEXT));
    opened.decode([0, 1, 2, 2 ** 31 - 1]);
  },
};
