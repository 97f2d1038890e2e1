/** Start and end of the kernel process, and what must not end it: bad messages. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { encode } from '../../kernel/wire/message';
import { Signer } from '../../kernel/wire/signature';
import { Client, connectionFile, idOf, MAIN, printed, result } from './client';

// Recursion after an await: no loop that reads the flag, no signal that breaks it.
const ENDLESS =
  'await null; (function f(n: number): number { return n < 2 ? n : f(n - 1) + f(n - 2); })(70);';

describe('start', () => {
  test('--version and --help', () => {
    const run = (argument: string) => execFileSync(process.execPath, [MAIN, argument], { encoding: 'utf8' });
    expect(run('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(run('--help')).toContain('CONNECTION_FILE');
  });

  test.each([
    ['no argument', [], 'usage'],
    ['a missing file', ['/nowhere/connection.json'], '/nowhere/connection.json'],
    ['an unknown option', ['--verbose'], 'usage'],
  ])('%s is an error in one sentence', (_, args, named) => {
    const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain(named);
    expect(stderr).not.toContain('    at ');
  });

  test('a port that is taken is an error', async () => {
    const first = await Client.start();
    const file = join(first.folder, 'connection.json');
    const { status, stderr } = spawnSync(process.execPath, [MAIN, file], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain('Address already in use');
    await first.close();
  });
});

describe('end', () => {
  let client: Client;
  afterEach(() => client.close());

  test.each([[false], [true]])('by shutdown, restart: %s', async (restart) => {
    client = await Client.start();
    await client.execute('1');
    const { reply, published } = await client.exchange('shutdown_request', { restart }, 'control');
    expect(reply.content).toEqual({ status: 'ok', restart });
    expect(published.map(({ content }) => content.execution_state)).toEqual(['busy', 'idle']);
    expect(await client.exited).toBe(0);
  });

  test('by shutdown on the shell channel', async () => {
    client = await Client.start();
    await client.execute('1');
    expect((await client.exchange('shutdown_request', { restart: false })).reply.content.status).toBe('ok');
    expect(await client.exited).toBe(0);
  });

  test('by shutdown before the compiler is loaded', async () => {
    client = await Client.start();
    await client.request('shutdown_request', { restart: false }, 'control');
    await client.exited;
  });

  test.each([
    ['a pending await', "console.log('stuck'); await new Promise(() => {});"],
    ['a loop', "for (let i = 0; ; i++) if (i % 1e6 === 0) console.log('stuck');"],
    [
      'a call that nothing stops',
      `console.log('stuck'); await new Promise((r) => setTimeout(r, 50)); ${ENDLESS}`,
    ],
  ])('by shutdown while in %s', async (_, code) => {
    client = await Client.start();
    const id = client.send('execute_request', { code });
    await client.wait('the cell to run', () => printed(client.of(id)).includes('stuck'));
    await client.request('shutdown_request', { restart: false }, 'control');
    await client.exited;
  });
});

describe('when its parent dies, the kernel ends', () => {
  // The parent is a process that starts the kernel and sleeps; it tells the kernel's id.
  const PARENT = `
    const { spawn } = require('node:child_process');
    const child = spawn(process.execPath, process.argv.slice(1), { stdio: 'inherit', detached: true });
    process.stdout.write(String(child.pid) + '\\n');
    setInterval(() => {}, 1000);`;

  test.each([
    ['idle', ''],
    ['in a loop', 'await null; for (;;) {}'],
    ['in a call that nothing stops', ENDLESS],
  ])('%s', async (_, code) => {
    const folder = mkdtempSync(join(tmpdir(), 'hyperion-orphan-'));
    const { file, connection } = await connectionFile(folder, 'key');
    const parent = spawn(process.execPath, ['-e', PARENT, MAIN, file], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const pid = Number(
      await new Promise((resolve) => parent.stdout.once('data', (data) => resolve(String(data)))),
    );
    const client = Client.connect(connection, 'key');
    await client.ready();
    if (code) {
      client.send('execute_request', { code });
      await client.wait('the cell', () =>
        client.published.some(({ header }) => header.msg_type === 'execute_input'),
      );
    }
    parent.kill('SIGKILL');
    await expect.poll(() => exists(pid), { timeout: 10_000, interval: 50 }).toBe(false);
    client.disconnect();
    rmSync(folder, { recursive: true });
  });
});

describe('bad messages', () => {
  let client: Client;
  beforeAll(async () => {
    client = await Client.start({ key: 'right' });
  });
  afterAll(() => client.close());

  const execute = (signer: Signer) =>
    encode({ type: 'execute_request', content: { code: 'globalThis.ran = true' } }, client.session, signer);
  const expectAlive = async (code = '1 + 1') => result((await client.execute(code)).published);

  test('with a wrong signature are dropped', async () => {
    client.sendFrames(execute(new Signer('wrong')));
    expect(await expectAlive("'ran' in globalThis")).toBe('false');
    expect(client.log).toContain('the signature is wrong');
  });

  test('that are replayed run once', async () => {
    await client.execute('let runs = 0;');
    const frames = encode(
      { type: 'execute_request', content: { code: 'runs++;' } },
      client.session,
      new Signer('right'),
    );
    client.sendFrames(frames);
    client.sendFrames(frames);
    await client.finished(idOf(frames));
    expect(await expectAlive('runs')).toBe('1');
  });

  test.each([
    ['missing frames', (frames: unknown[]) => frames.slice(0, 3)],
    ['an empty frame', () => ['']],
    ['no delimiter', () => ['a', 'b', 'c', 'd', 'e', 'f']],
  ])('with %s are dropped, on either channel', async (_, change) => {
    const frames = change(execute(new Signer('right'))) as string[];
    client.sendFrames(frames, 'shell');
    client.sendFrames(frames, 'control');
    expect(await expectAlive()).toBe('2');
  });

  test('that are not JSON are dropped', async () => {
    const parts = ['{', '{}', '{}', '{}'];
    client.sendFrames(['<IDS|MSG>', new Signer('right').sign(parts), ...parts]);
    expect(await expectAlive()).toBe('2');
    expect(client.log).toContain('not JSON');
  });

  test('of unknown type are answered by an error', async () => {
    for (const channel of ['shell', 'control'] as const) {
      const { reply } = await client.exchange('levitate_request', {}, channel);
      expect(reply.header.msg_type).toBe('levitate_reply');
      expect(reply.content).toMatchObject({
        status: 'error',
        evalue: expect.stringContaining('levitate_request'),
      });
    }
    client.send('constructor');
    expect(await expectAlive()).toBe('2');
  });

  test('without code are answered by an error', async () => {
    const { reply } = await client.exchange('execute_request', {});
    expect(reply.content).toMatchObject({ status: 'error', ename: 'TypeError' });
    expect(await expectAlive()).toBe('2');
  });
});

test('an empty key means unsigned messages', async () => {
  const client = await Client.start({ key: '' });
  expect(result((await client.execute('2 + 2')).published)).toBe('4');
  await client.close();
});

test('the heartbeat answers while a cell loops', async () => {
  const client = await Client.start();
  client.send('execute_request', { code: 'for (;;) {}' });
  expect(await client.beat('ping')).toBe('ping');
  await client.close();
});

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
