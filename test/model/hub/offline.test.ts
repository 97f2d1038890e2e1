/** HF_HUB_OFFLINE: what the cache holds, whoever put it there, or an error that says what to do. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { openModel, pull } from '../../../src/index';
import { fixture } from '../../support/fixtures';
import { filesOf, HubServer } from '../../support/hub-server';
import { errorOf, temporaryFolder } from '../../support/temporary';

const { 'expected.safetensors': _, ...llama } = filesOf(fixture('llama'));
let server: HubServer;

beforeEach(async () => {
  server = await HubServer.start({ 'org/llama': llama });
});

function goOffline(): void {
  server.asked.length = 0;
  vi.stubEnv('HF_HUB_OFFLINE', '1');
}

test('a pulled model is found by branch and by commit, and opened, without a request', async () => {
  const pulled = await pull('org/llama');
  goOffline();
  const { files, ...found } = await pull('org/llama');
  expect(found).toEqual({ ...found, commit: pulled.commit, path: pulled.path, downloadedBytes: 0 });
  expect([...files].sort()).toEqual([...pulled.files].sort());
  expect((await pull(`org/llama@${pulled.commit}`)).path).toBe(pulled.path);
  using model = await openModel('hf:org/llama');
  expect(model.architecture).toBe('llama');
  expect(server.asked).toEqual([]);
});

test('a model that a Python tool put there, as files and with more than is needed', async () => {
  const commit = 'c'.repeat(40);
  const repository = join(process.env.HF_HOME!, 'hub/models--org--llama');
  const snapshot = join(repository, 'snapshots', commit);
  mkdirSync(snapshot, { recursive: true });
  mkdirSync(join(repository, 'refs'));
  writeFileSync(join(repository, 'refs/main'), commit);
  for (const [name, data] of Object.entries({ ...llama, 'README.md': 'x' }))
    writeFileSync(join(snapshot, name), data);
  goOffline();
  const { path, files } = await pull('org/llama');
  expect(path).toBe(snapshot);
  expect([...files].sort()).toEqual(Object.keys(llama).sort());
});

test.each([
  ['a model that was never pulled', 'org/other', 'not in the cache'],
  ['a revision that was never pulled', 'org/llama@v2', "revision 'v2'"],
])('%s: the error says the way out', async (_, reference, words) => {
  await pull('org/llama');
  goOffline();
  const { code, message } = await errorOf(() => pull(reference));
  expect(code).toBe('IO');
  expect(message).toContain(words);
  expect(message).toContain('HF_HUB_OFFLINE');
});

test('a model whose weights are gone from the cache', async () => {
  const { folder } = await pull('org/llama');
  rmSync(join(folder, 'model.safetensors'));
  goOffline();
  expect((await errorOf(() => openModel('hf:org/llama'))).message).toContain('not whole');
});

test('a pull into a folder', async () => {
  goOffline();
  expect(await errorOf(() => pull('org/llama', { to: temporaryFolder() }))).toMatchObject({
    code: 'INVALID',
  });
});
