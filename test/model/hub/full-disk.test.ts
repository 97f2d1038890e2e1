/**
 * A disk without room, which is a tmpfs of 2 MiB in a mount namespace of its own. The pull runs in there, in another process, and so does
 * what fills the disk meanwhile.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HubServer } from '../../support/hub-server';
import { temporaryFolder } from '../../support/temporary';

const MiB = 2 ** 20;
const WEIGHTS = Buffer.alloc(1.5 * MiB, 'weights');

/** Runs a program, in which `disk` is the folder of the small disk and `pull` the API's, and gives what it printed as JSON. */
async function onSmallDisk(program: string): Promise<Record<string, unknown>[]> {
  const disk = temporaryFolder();
  const api = join(__dirname, '../../../dist/src/index.js');
  const script = `
    const { pull } = require(${JSON.stringify(api)});
    const { existsSync, readdirSync, rmSync, statSync, writeFileSync } = require('node:fs');
    const disk = ${JSON.stringify(disk)};
    const print = (value) => console.log(JSON.stringify(value));
    const failure = ({ code, message, details }) => print({ code, message, ...details });
    (async () => { ${program} })();`;
  const shell = 'mount -t tmpfs -o size=2m none "$1" && exec "$2" -e "$3"';
  const args = [
    '--user',
    '--map-root-user',
    '--mount',
    'sh',
    '-c',
    shell,
    'sh',
    disk,
    process.execPath,
    script,
  ];
  const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    errors += data;
  });
  await once(child, 'close');
  expect(errors).toBe('');
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('too small from the start: nothing is downloaded, and the error says how much is needed and free', async () => {
  const server = await HubServer.start({
    'org/model': { 'model.safetensors': WEIGHTS, 'tokenizer.json': Buffer.alloc(MiB) },
  });
  const [failure] = await onSmallDisk(`
    await pull('org/model', { to: disk + '/model' }).catch(failure);`);
  expect(failure).toMatchObject({ code: 'IO', neededBytes: 2.5 * MiB, freeBytes: 2 * MiB });
  expect(failure!.message).toMatch(/needs room for 2\.5 MiB, 2\.0 MiB are free on its disk; make room/);
  expect(server.requestsFor('model.safetensors')).toEqual([]);
});

test('full in the middle: what has come is kept, and the pull goes on when there is room', async () => {
  const server = await HubServer.start({ 'org/model': { 'model.safetensors': WEIGHTS } });
  const [failure, pulled] = await onSmallDisk(`
    const fill = (done) => {
      if (done >= 300_000 && !existsSync(disk + '/filler'))
        try { writeFileSync(disk + '/filler', Buffer.alloc(2 << 20)); } catch { /* it is full now, as it should be */ }
    };
    await pull('org/model', { to: disk + '/model', onProgress: fill }).catch(failure);
    rmSync(disk + '/filler');
    const { folder, downloadedBytes } = await pull('org/model', { to: disk + '/model' });
    print({ files: readdirSync(folder), size: statSync(folder + '/model.safetensors').size, downloadedBytes });`);
  expect(failure).toMatchObject({ code: 'IO', errno: 'ENOSPC', freeBytes: 0 });
  const { downloadedBytes } = pulled as { downloadedBytes: number };
  expect(pulled).toEqual({ files: ['model.safetensors'], size: WEIGHTS.length, downloadedBytes });
  // Of the bytes that filled the disk the last may have been written, and not yet counted.
  expect(downloadedBytes).toBeLessThanOrEqual(failure!.neededBytes as number);
  const starts = server.requestsFor('model.safetensors').map(({ start }) => start);
  expect(starts).toEqual([0, WEIGHTS.length - downloadedBytes]);
  expect(starts[1]).toBeGreaterThanOrEqual(300_000);
});
