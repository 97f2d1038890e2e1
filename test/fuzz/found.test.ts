/** What fuzzing found, each as it was seen. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openModel } from '../../src/inference/model';
import { openCheckpoint } from '../../src/model/checkpoint';
import { Tokenizer } from '../../src/model/tokenizer';
import { copyOf, errorOf, temporaryFolder } from '../support/temporary';
import { TOKENIZERS } from './readers/tokenizers';

test("a shard's name of 5000 characters was asked of the file system, and told in full", async () => {
  const folder = copyOf('mistral-sharded');
  const index = { weight_map: { 'lm_head.weight': 'x'.repeat(5000) } };
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
  const error = await errorOf(() => openCheckpoint(folder, { tokenizer: false }));
  expect([error.code, error.message]).toEqual(['BAD_FORMAT', expect.stringMatching(/not a file name$/)]);
  expect(error.message.length).toBeLessThan(500);
});

test('an architecture of 5000 characters was told in full', async () => {
  const folder = copyOf('llama');
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ architectures: ['x'.repeat(5000)] }));
  const error = await errorOf(() => openModel(folder));
  expect([error.code, error.message]).toEqual(['BAD_FORMAT', expect.stringMatching(/'architectures' is/)]);
  expect(error.message.length).toBeLessThan(500);
});

test('a rotary base of 1e-308 opened, and failed as INVALID when a session was planned', async () => {
  const folder = copyOf('llama');
  const config = { ...(await openCheckpoint(folder, { tokenizer: false })).config };
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({ ...config, rope_parameters: { rope_theta: 1e-308 } }),
  );
  const error = await errorOf(() => openModel(folder));
  expect([error.code, error.message]).toEqual([
    'BAD_FORMAT',
    expect.stringMatching(/'rope_parameters.rope_theta' is 1e-308/),
  ]);
});

test('sixteen million layers took 130 MB for their list before the first missing tensor was told', async () => {
  const folder = copyOf('llama');
  const config = {
    ...(await openCheckpoint(folder, { tokenizer: false })).config,
    num_hidden_layers: 2 ** 24,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const error = await errorOf(() => openModel(folder));
  expect([error.code, error.message]).toEqual([
    'BAD_FORMAT',
    expect.stringMatching(/'num_hidden_layers' is 16777216/),
  ]);
});

test.each([
  ['gemma2', { attn_logit_softcapping: 1e308 }, /'attn_logit_softcapping' is 1e\+308/],
  ['gemma3', { final_logit_softcapping: 1e-320 }, /'final_logit_softcapping' is 1e-320/],
])('a cap of %s that float32 does not hold opened, and failed as INVALID', async (name, change, message) => {
  expect(await errorOf(() => openModel(withConfig(name, change)))).toMatchObject({
    code: 'BAD_FORMAT',
    message: expect.stringMatching(message),
  });
});

test('heads of 67 million numbers took all memory for their rotary frequencies', async () => {
  const folder = withConfig('gemma3', { hidden_size: 2 ** 28, head_dim: undefined });
  expect(await errorOf(() => openModel(folder))).toMatchObject({
    code: 'BAD_FORMAT',
    message: expect.stringMatching(/heads of 67108864 numbers/),
  });
});

test.each([
  [
    'a template of parts without names',
    { ...TOKENIZERS.wordPiece, post_processor: { type: 'BertProcessing' } },
  ],
  ['merges that are null', withModel({ merges: [null] })],
])('a tokenizer with %s threw a TypeError', async (_, tokenizer) => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  const error = await errorOf(async () => (await Tokenizer.fromFolder(folder))!.encode('Hello 😀'));
  expect(error).toMatchObject({
    code: 'BAD_FORMAT',
    message: expect.stringMatching(/not a tokenizer that can/),
  });
});

/** A copy of a fixture with some fields of its config.json changed, or left out where undefined. */
function withConfig(name: string, change: object): string {
  const folder = copyOf(name);
  const path = join(folder, 'config.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
  return folder;
}

function withModel(fields: object): object {
  const tokenizer = TOKENIZERS.byteLevel as { model: object };
  return { ...tokenizer, model: { ...tokenizer.model, ...fields } };
}
