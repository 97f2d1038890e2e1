/** Pulls that something interrupts: a connection, the content, the user, another pull. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { pull } from '../../../src/index';
import { HubServer, oidOf } from '../../support/hub-server';
import { random } from '../../support/random';
import { errorOf, temporaryFolder } from '../../support/temporary';

const byte = random(7);
const WEIGHTS = Buffer.from(Uint8Array.from({ length: 1_500_000 }, () => byte() * 256));
const FILE = 'model.safetensors';
const HALF = 750_000;

function start() {
  return HubServer.start({ 'org/model': { 'config.json': '{}', [FILE]: WEIGHTS } });
}

const blobs = () => join(process.env.HF_HOME!, 'hub/models--org--model/blobs');
const isWhole = (folder: string) => readFileSync(join(folder, FILE)).equals(WEIGHTS);
const unfinished = () => readdirSync(blobs()).filter((name) => name.endsWith('.incomplete'));
const starts = (server: HubServer) => server.requestsFor(FILE).map((request) => request.start);

/** Pulls, and calls `then` when the first half of the weights has come. */
function pullHalf(server: HubServer, then: () => void, options: { signal?: AbortSignal; to?: string } = {}) {
  server.fail(FILE, { times: 1, holdAt: HALF });
  const onProgress = (done: number) => {
    if (done >= HALF) then();
  };
  return pull('org/model', { ...options, onProgress });
}

describe('a connection that breaks in the middle', () => {
  test('is taken up again where it broke: no byte is sent twice', async () => {
    const server = await start();
    const { path } = await pullHalf(server, () => server.drop());
    expect(starts(server)).toEqual([0, HALF]);
    expect(isWhole(path)).toBe(true);
    expect(unfinished()).toEqual([]);
  });

  test('a server that knows no ranges sends all again, and the file is right', async () => {
    const server = await start();
    const pulling = pullHalf(server, () => {
      server.fail(FILE, { ignoreRange: true });
      server.drop();
    });
    expect(isWhole((await pulling).path)).toBe(true);
    expect(starts(server)).toEqual([0, HALF]);
  });

  test('that brings nothing for too long counts as broken', async () => {
    const server = await start();
    vi.stubEnv('HF_HUB_DOWNLOAD_TIMEOUT', '0.3');
    const { path } = await pullHalf(server, () => {});
    expect(starts(server)).toEqual([0, HALF]);
    expect(isWhole(path)).toBe(true);
  });

  test('a busy server is asked again', async () => {
    const server = await start();
    server.fail('info', { times: 1, status: 503 });
    server.fail('tree', { times: 1, status: 429, headers: { 'Retry-After': '0' } });
    server.fail('config.json', { times: 2, status: 500 });
    expect((await pull('org/model')).files).toHaveLength(2);
  });

  test('again and again without a byte: IO, with the reason and what to do', async () => {
    const server = await start();
    server.fail('info', { status: 502 });
    const { code, message } = await errorOf(() => pull('org/model'));
    expect(code).toBe('IO');
    expect(message).toMatch(/^cannot get org\/model from 127\.0\.0\.1:\d+: the server answered 502, 5 times/);
    expect(message).toContain('HF_HUB_OFFLINE');
    expect(server.asked).toHaveLength(5);
  });

  test('no server at all', async () => {
    const server = await start();
    server.close();
    expect((await errorOf(() => pull('org/model'))).message).toContain('the connection was refused');
  });
});

describe('content with another hash', () => {
  test('is thrown away, and asked for once more', async () => {
    const server = await start();
    server.fail(FILE, { times: 1, corrupt: true });
    server.fail('config.json', { times: 1, corrupt: true });
    const { path } = await pull('org/model');
    expect(isWhole(path)).toBe(true);
    expect(readFileSync(join(path, 'config.json'), 'utf8')).toBe('{}');
  });

  test('twice: CORRUPT, naming the file, and nothing of it stays', async () => {
    const server = await start();
    server.fail(FILE, { corrupt: true });
    const { code, message, details } = await errorOf(() => pull('org/model'));
    expect(code).toBe('CORRUPT');
    expect(details.path).toBe(FILE);
    expect(message).toContain(oidOf(WEIGHTS).slice(0, 12));
    expect(starts(server)).toEqual([0, 0]);
    expect(readdirSync(blobs())).not.toContain(oidOf(WEIGHTS));
    expect(unfinished()).toEqual([]);
  });

  test('a download gone on with that turns out wrong begins again from nothing', async () => {
    const server = await start();
    const stop = new AbortController();
    server.fail(FILE, { times: 1, holdAt: HALF, corrupt: true });
    const onProgress = (done: number) => done >= HALF && stop.abort();
    await errorOf(() => pull('org/model', { signal: stop.signal, onProgress }));
    const { path } = await pull('org/model');
    expect(starts(server)).toEqual([0, HALF, 0]);
    expect(isWhole(path)).toBe(true);
  });
});

describe('an abort', () => {
  test.each(['the cache', 'a folder'])(
    'keeps what has come to %s, and the next pull goes on',
    async (place) => {
      const server = await start();
      const to = place === 'a folder' ? temporaryFolder() : undefined;
      const stop = new AbortController();
      const { code, message } = await errorOf(() =>
        pullHalf(server, () => stop.abort(), { signal: stop.signal, to }),
      );
      expect(code).toBe('CANCELLED');
      expect(message).toContain('goes on where it stopped');

      const totals = new Set<number>();
      const onProgress = (_: number, total: number) => totals.add(total);
      const { folder, downloadedBytes } = await pull('org/model', { to, onProgress });
      expect(starts(server)).toEqual([0, HALF]);
      expect([...totals]).toEqual([WEIGHTS.length - HALF]);
      expect(downloadedBytes).toBe(WEIGHTS.length - HALF);
      expect(isWhole(folder)).toBe(true);
      expect(readdirSync(folder).sort()).toEqual(['config.json', FILE]);
    },
  );

  test('before it begins, and of something that is no signal', async () => {
    await start();
    expect(await errorOf(() => pull('org/model', { signal: AbortSignal.abort() }))).toMatchObject({
      code: 'CANCELLED',
    });
    expect(await errorOf(() => pull('org/model', { signal: {} as AbortSignal }))).toMatchObject({
      code: 'INVALID',
    });
  });

  test('of a process by Ctrl-C, or killed outright: the next one goes on', async () => {
    const server = await start();
    const cli = join(__dirname, '../../../dist/src/cli/main.js');
    const run = (...args: string[]) => spawn(process.execPath, [cli, 'pull', 'org/model', ...args]);
    for (const [index, signal] of (['SIGINT', 'SIGKILL'] as const).entries()) {
      const holdAt = HALF + index * 100_000;
      server.fail(FILE, { times: 1, holdAt });
      const child = run();
      await written(holdAt);
      child.kill(signal);
      expect(await once(child, 'exit')).toEqual(signal === 'SIGINT' ? [1, null] : [null, signal]);
    }
    const child = run('--json');
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(JSON.parse(output)).toMatchObject({ downloadedBytes: WEIGHTS.length - HALF - 100_000 });
    expect(starts(server)).toEqual([0, HALF, HALF + 100_000]);
    expect(unfinished()).toEqual([]);
  });
});

describe('two pulls at once', () => {
  test('do each other no harm', async () => {
    await start();
    const to = temporaryFolder();
    const pulls = [0, 1, 2].flatMap(() => [pull('org/model'), pull('org/model', { to })]);
    const all = await Promise.all(pulls);
    for (const { folder } of all) expect(isWhole(folder)).toBe(true);
    expect(unfinished()).toEqual([]);
    expect(readdirSync(to).sort()).toEqual(['config.json', FILE]);
  });

  test('that end at the same moment all write the ref', async () => {
    await start();
    const { commit } = await pull('org/model');
    const pulls = Array.from({ length: 40 }, () => pull('org/model'));
    expect(new Set((await Promise.all(pulls)).map((pulled) => pulled.commit))).toEqual(new Set([commit]));
    expect(readdirSync(join(blobs(), '../refs'))).toEqual(['main']);
  });

  test('one does not go on with what the other is writing', async () => {
    const server = await start();
    let other: ReturnType<typeof pull> | undefined;
    const first = pullHalf(server, () => {
      other ??= pull('org/model').finally(() => server.drop());
    });
    expect(isWhole((await first).folder)).toBe(true);
    expect(isWhole((await other!).folder)).toBe(true);
    expect(starts(server)).toEqual([0, 0, HALF]);
    expect(unfinished()).toEqual([]);
  });
});

/** Until an unfinished download has so many bytes. */
async function written(bytes: number): Promise<void> {
  const isThere = () =>
    existsSync(blobs()) && unfinished().some((name) => statSync(join(blobs(), name)).size >= bytes);
  await vi.waitUntil(isThere, { timeout: 30_000 });
}
