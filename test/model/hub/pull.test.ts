/** What a pull brings and where it puts it, from a hub on loopback. */
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { openModel, pull } from '../../../src/index';
import { expected, fixture, sameBits } from '../../support/fixtures';
import { filesOf, HubServer, oidOf } from '../../support/hub-server';
import { errorOf, temporaryFolder } from '../../support/temporary';

const { 'expected.safetensors': _, ...llama } = filesOf(fixture('llama'));
const CLUTTER = {
  'README.md': '# A model',
  'pytorch_model.bin': Buffer.alloc(20_000),
  'onnx/model.onnx': 'x',
};
const NEEDED = ['config.json', 'model.safetensors', 'tokenizer.json'];

function start() {
  return HubServer.start({ 'org/llama': { ...CLUTTER, ...llama } });
}

const cache = () => join(process.env.HF_HOME!, 'hub/models--org--llama');

describe('into the cache', () => {
  test('comes what a model needs, and nothing else, once', async () => {
    const server = await start();
    const progress: number[][] = [];
    const pulled = await pull('org/llama', { onProgress: (...numbers) => progress.push(numbers) });
    const bytes = NEEDED.reduce((sum, name) => sum + llama[name]!.length, 0);
    expect([...pulled.files].sort()).toEqual(NEEDED);
    expect(pulled).toMatchObject({ repo: 'org/llama', bytes, downloadedBytes: bytes, path: pulled.folder });
    expect(progress.at(-1)).toEqual([bytes, bytes]);
    for (const name of NEEDED)
      expect(readFileSync(join(pulled.folder, name)).equals(llama[name]!)).toBe(true);

    const before = server.asked.length;
    const again = await pull('hf:org/llama');
    expect(again).toEqual({ ...pulled, downloadedBytes: 0 });
    expect(server.asked.slice(before).every(({ path }) => path === 'info' || path === 'tree')).toBe(true);
  });

  test('lies as the Python tools lay it: blobs by content, a snapshot of relative links, a ref', async () => {
    await start();
    const { commit, folder } = await pull('org/llama');
    expect(readdirSync(cache()).sort()).toEqual(['blobs', 'refs', 'snapshots']);
    expect(readdirSync(join(cache(), 'blobs')).sort()).toEqual(
      NEEDED.map((name) => oidOf(llama[name]!)).sort(),
    );
    expect(folder).toBe(join(cache(), 'snapshots', commit));
    for (const name of NEEDED)
      expect(readlinkSync(join(folder, name))).toBe(`../../blobs/${oidOf(llama[name]!)}`);
    expect(readFileSync(join(cache(), 'refs/main'), 'utf8')).toBe(commit);
  });

  test('shares blobs between revisions', async () => {
    const server = await start();
    const first = await pull('org/llama');
    const config = `${llama['config.json']} `;
    const commit = server.commit('org/llama', 'refs/pr/1', { ...llama, 'config.json': config });
    const second = await pull('org/llama@refs/pr/1');
    expect(second).toMatchObject({ commit, downloadedBytes: config.length });
    expect(readFileSync(join(cache(), 'refs/refs/pr/1'), 'utf8')).toBe(commit);
    expect(readFileSync(join(cache(), 'refs/main'), 'utf8')).toBe(first.commit);
    const byCommit = await pull('org/llama', { revision: commit });
    expect(byCommit).toEqual({ ...second, downloadedBytes: 0 });
    expect(readdirSync(join(cache(), 'refs')).sort()).toEqual(['main', 'refs']);
  });

  test('a blob of the wrong size is replaced', async () => {
    await start();
    const { folder } = await pull('org/llama');
    writeFileSync(join(cache(), 'blobs', oidOf(llama['config.json']!)), 'cut');
    await pull('org/llama');
    expect(readFileSync(join(folder, 'config.json'))).toEqual(llama['config.json']);
  });

  test('names with signs that mean something in an address are found', async () => {
    await HubServer.start({ 'org/odd': { 'a #1?%20é.gguf': 'weights' } });
    const { path } = await pull('org/odd');
    expect(readFileSync(path, 'utf8')).toBe('weights');
  });
});

describe('into a folder', () => {
  test('come files, not links, and what is right there stays', async () => {
    const server = await start();
    const to = join(temporaryFolder(), 'new/model');
    const { folder, files } = await pull('org/llama', { to });
    expect(folder).toBe(to);
    expect(readdirSync(to).sort()).toEqual([...files].sort());
    for (const name of files) expect(lstatSync(join(to, name)).isFile()).toBe(true);
    expect(existsSync(cache())).toBe(false);

    writeFileSync(join(to, 'config.json'), Buffer.alloc(llama['config.json']!.length));
    const requests = server.requestsFor('model.safetensors').length;
    expect(await pull('org/llama', { to })).toMatchObject({ downloadedBytes: llama['config.json']!.length });
    expect(readFileSync(join(to, 'config.json'))).toEqual(llama['config.json']);
    expect(server.requestsFor('model.safetensors')).toHaveLength(requests);
  });

  test('patterns choose other files', async () => {
    await start();
    const to = temporaryFolder();
    const { files } = await pull('org/llama', { to, include: ['*.onnx', 'README.??'] });
    expect([...files].sort()).toEqual(['README.md', 'onnx/model.onnx']);
    expect(readFileSync(join(to, 'onnx/model.onnx'), 'utf8')).toBe('x');
  });
});

describe('the token', () => {
  test.each(['HF_TOKEN', 'the token file'])('of %s goes to the hub, and to no other host', async (source) => {
    const server = await start();
    if (source === 'HF_TOKEN') vi.stubEnv('HF_TOKEN', ' secret\n');
    else writeFileSync(join(process.env.HF_HOME!, 'token'), 'secret\n');
    await pull('org/llama');
    const of = (host: string) =>
      new Set(server.asked.filter((asked) => asked.host === host).map((asked) => asked.authorization));
    expect(of('hub')).toEqual(new Set(['Bearer secret']));
    expect(of('storage')).toEqual(new Set([undefined]));
  });

  test('does not follow a listing that goes on at another host', async () => {
    const server = await start();
    vi.stubEnv('HF_TOKEN', 'secret');
    server.nextPageHost = server.storageUrl;
    await pull('org/llama');
    const pages = server.asked.filter(({ host, path }) => host === 'storage' && path === 'tree');
    expect(pages.length).toBeGreaterThan(0);
    expect(pages.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  test('is in no message', async () => {
    await start();
    vi.stubEnv('HF_TOKEN', 'sec\nret');
    const { code, message } = await errorOf(() => pull('org/llama'));
    expect(code).toBe('INVALID');
    expect(message).not.toContain('ret');
  });
});

describe('a listing that cannot be true', () => {
  test.each(['../../outside', '/etc/passwd', 'a/../../b', 'a\\..\\b', 'C:b', 'a//b', ''])(
    'with the file %j is refused, and nothing is written',
    async (path) => {
      const server = await start();
      server.editListing = (entries) => [...entries, { ...entries.at(-1), path }];
      expect(await errorOf(() => pull('org/llama'))).toMatchObject({
        code: 'BAD_FORMAT',
        message: expect.stringContaining('outside'),
      });
      expect(existsSync(cache())).toBe(false);
    },
  );

  test.each([
    ['a hash that is a path', { oid: '../../../outside' }],
    ['no hash', { oid: undefined }],
    ['a negative size', { size: -1 }],
    ['no path', { path: 7 }],
  ])('with %s is refused', async (_, change) => {
    const server = await start();
    server.editListing = (entries) => entries.map((entry) => (entry.lfs ? entry : { ...entry, ...change }));
    expect(await errorOf(() => pull('org/llama'))).toMatchObject({ code: 'BAD_FORMAT' });
  });
});

describe('openModel', () => {
  test("computes from 'hf:' the same as from the folder, to the bit", async () => {
    await start();
    const { inputIds } = expected('llama');
    const logits = async (path: string) => {
      using model = await openModel(path);
      using session = model.session({ activations: 'f32' });
      return { name: model.name, data: (await session.forward(inputIds)).data };
    };
    const local = await logits(fixture('llama'));
    const pulled = await logits('hf:org/llama');
    expect(pulled.name).toBe('llama');
    expect(sameBits(pulled.data, local.data)).toBe(true);
  });

  test('a model in shards', async () => {
    const { 'expected.safetensors': _, ...files } = filesOf(fixture('mistral-sharded'));
    await HubServer.start({ 'org/mistral': { ...files, 'consolidated.safetensors': Buffer.alloc(20_000) } });
    using model = await openModel('hf:org/mistral@main');
    expect(model.architecture).toBe('mistral');
    expect(readdirSync(model.path).sort()).toEqual(Object.keys(files).sort());
  });

  test('one file with weights under another name', async () => {
    const { 'model.safetensors': weights, ...rest } = llama;
    await HubServer.start({ 'org/llama': { ...rest, 'llama-f32.safetensors': weights! } });
    using model = await openModel('hf:org/llama');
    expect(model.path).toMatch(/\/llama-f32\.safetensors$/);
    using same = await openModel('hf:org/llama/llama-f32.safetensors');
    expect(same.path).toBe(model.path);
  });
});
