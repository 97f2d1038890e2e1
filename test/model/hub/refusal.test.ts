/** What a user reads when the hub says no, when no model is meant, or when several could be. */
import { describe, expect, test, vi } from 'vitest';
import { openModel, pull } from '../../../src/index';
import { type Files, HubServer } from '../../support/hub-server';
import { errorOf } from '../../support/temporary';

const MODEL = { 'config.json': '{}', 'model.safetensors': 'weights' };

describe('the hub says no', () => {
  test.each([
    [
      'a repository that is not there',
      {},
      {},
      /^there is no org\/other, or it is private; check the name, or set HF_TOKEN/,
    ],
    [
      'the same with a token',
      {},
      { HF_TOKEN: 'secret' },
      /^there is no org\/other, or the token may not see it/,
    ],
    ['404', { status: 404 }, {}, /^there is no org\/other/],
    ['401', { status: 401 }, {}, /^org\/other is not for everyone; set HF_TOKEN/],
    ['401 with a token', { status: 401 }, { HF_TOKEN: 'secret' }, /^the token may not read org\/other/],
    [
      '403, gated',
      { status: 403, headers: { 'X-Error-Code': 'GatedRepo' } },
      {},
      /^org\/other is gated: accept its terms/,
    ],
    [
      '410',
      { status: 410, headers: { 'X-Error-Message': 'gone' } },
      {},
      /^the server answered 410 for org\/other: gone$/,
    ],
  ])('%s', async (_, fault, environment, sentence) => {
    const server = await HubServer.start({ 'org/model': MODEL });
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    if ('status' in fault) server.fail('info', fault);
    const { code, message } = await errorOf(() => pull('org/other'));
    expect(code).toBe('IO');
    expect(message).toMatch(sentence);
    expect(server.asked).toHaveLength(1);
  });

  test('gated at the file: the listing is public, the weights are not', async () => {
    const server = await HubServer.start({ 'org/model': MODEL });
    server.fail('model.safetensors', { status: 403, headers: { 'X-Error-Code': 'GatedRepo' } });
    expect((await errorOf(() => openModel('hf:org/model'))).message).toContain('gated');
  });

  test('an unknown revision', async () => {
    await HubServer.start({ 'org/model': MODEL });
    expect((await errorOf(() => pull('org/model@v9'))).message).toBe(
      "org/model has no revision 'v9'; name a branch, a tag or a commit",
    );
  });

  test('an answer that is no JSON', async () => {
    await HubServer.start({ 'org/model': MODEL });
    vi.stubEnv('HF_ENDPOINT', `${process.env.HF_ENDPOINT}/org/model/resolve/main/config.json?`);
    expect((await errorOf(() => pull('org/model'))).code).toBe('BAD_FORMAT');
  });
});

describe('what was written cannot be meant', () => {
  test.each([
    ['', 'names no model'],
    ['hf:', 'names no model'],
    ['../model', 'names no model'],
    ['org/..', 'names no model'],
    ['org/a--b', 'names no model'],
    ['org/model@', 'names no model'],
    ['org/model@../../main', 'revision'],
    ['name/', 'names no model'],
    ['org/model@..%2F..%2Fmain', 'revision'],
    ['org/model@-', 'no revision'],
  ])('%j', async (reference, words) => {
    await HubServer.start({ 'org/model': MODEL });
    expect((await errorOf(() => pull(reference))).message).toContain(words);
  });

  test.each([
    ['HF_ENDPOINT', 'hub.example'],
    ['HF_HUB_DOWNLOAD_TIMEOUT', 'soon'],
  ])('%s', async (name, value) => {
    await HubServer.start({ 'org/model': MODEL });
    vi.stubEnv(name, value);
    expect(await errorOf(() => pull('org/model'))).toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining(name),
    });
  });
});

describe('which files', () => {
  async function choose(files: Files, reference = 'org/model', include?: string[]): Promise<string[]> {
    await HubServer.start({ 'org/model': files });
    return [...(await pull(reference, { include })).files].sort();
  }

  test('settings of all kinds, but no twins of the weights', async () => {
    const needed = {
      ...MODEL,
      'generation_config.json': '{}',
      'tokenizer_config.json': '{}',
      'merges.txt': '',
      'tokenizer.model': '',
      'chat_template.jinja': '',
      '1_Pooling/config.json': '{}',
    };
    const twins = {
      'pytorch_model.bin': '',
      'tf_model.h5': '',
      'model.fp16.safetensors': '',
      'm.gguf': '',
      'onnx/config.json': '{}',
    };
    expect(await choose({ ...twins, ...needed })).toEqual(Object.keys(needed).sort());
  });

  test('one GGUF file, with all of its parts, and no vision encoder', async () => {
    const parts = { 'q4/m-00001-of-00002.gguf': 'a', 'q4/m-00002-of-00002.gguf': 'b' };
    expect(await choose({ ...parts, 'mmproj-m.gguf': 'c' })).toEqual(Object.keys(parts));
  });

  test('the one that is named', async () => {
    const files = { 'm-q4_0.gguf': 'a', 'm-q8_0.gguf': 'b' };
    expect(await choose(files, 'hf:org/model@main/m-q8_0.gguf')).toEqual(['m-q8_0.gguf']);
  });

  test.each([
    [
      'of several GGUF files',
      { 'm-q4_0.gguf': 'a', 'm-q8_0.gguf': 'b' },
      'org/model',
      'INVALID',
      'hf:org/model/m-q4_0.gguf',
    ],
    [
      'a name that is not there',
      { 'm.gguf': 'a' },
      'org/model/n.gguf',
      'INVALID',
      'files with weights: m.gguf',
    ],
    ['pickles alone', { 'pytorch_model.bin': 'a' }, 'org/model', 'UNSUPPORTED', 'only pytorch_model.bin'],
    ['nothing', { 'README.md': 'a' }, 'org/model', 'UNSUPPORTED', 'no weights in safetensors or GGUF;'],
    [
      'a part that is not there',
      { 'm-00001-of-00002.gguf': 'a' },
      'org/model',
      'BAD_FORMAT',
      'm-00002-of-00002.gguf',
    ],
    [
      'an index without a map',
      { 'model.safetensors.index.json': '{}' },
      'org/model',
      'BAD_FORMAT',
      'which file',
    ],
    ['an index that is no JSON', { 'model.safetensors.index.json': '{' }, 'org/model', 'BAD_FORMAT', 'JSON'],
    [
      'an index of a shard elsewhere',
      { 'model.safetensors.index.json': '{"weight_map":{"a":"../shard"}}' },
      'org/model',
      'BAD_FORMAT',
      '../shard',
    ],
  ])('%s', async (_, files, reference, code, words) => {
    const error = await errorOf(() => choose(files as unknown as Files, reference));
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
  });

  test('patterns that nothing fits, and patterns beside a file', async () => {
    expect((await errorOf(() => choose(MODEL, 'org/model', ['*.onnx']))).message).toContain('*.onnx');
    expect((await errorOf(() => choose(MODEL, 'org/model/m.gguf', ['*']))).message).toContain(
      'one of the two',
    );
  });
});
