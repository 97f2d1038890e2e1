/**
 * Conversions whose process is killed or interrupted, or whose disk fails, at the first, second, … last change to the disk: what stood at
 * the output is whole afterwards, or the new model is.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { convert } from '../../src/inference/convert';
import { openModel } from '../../src/inference/model';
import { fixture } from '../support/fixtures';
import { errorOf, temporaryFolder } from '../support/temporary';

const cli = join(__dirname, '../../dist/src/cli/main.js');
const hook = join(__dirname, '../support/failing-disk.cjs');

interface Run {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

function runWith(env: Record<string, string>, input: string, output: string): Promise<Run> {
  const args = ['--require', hook, cli, 'convert', input, output, '--force'];
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      args,
      { env: { ...process.env, ...env } },
      (_error, _out, stderr) => resolve({ code: child.exitCode, signal: child.signalCode, stderr }),
    );
  });
}

/** What a file, or the files of a folder, hold; null when there is nothing. */
function state(path: string): string | null {
  if (!existsSync(path)) return null;
  const hash = createHash('sha256');
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .sort()
        .map((name) => join(path, name))
    : [path];
  for (const file of files) hash.update(basename(file)).update(readFileSync(file));
  return hash.digest('hex');
}

/** A folder with an input, an output that stands already, and how the output is before and after an undisturbed run. */
async function prepare(name: string) {
  const root = temporaryFolder();
  const [first, second] = [join(root, 'old.tmai'), join(root, 'new.tmai')];
  await convert(fixture('llama'), first);
  await convert(fixture('mistral-sharded'), second);
  const input = name.endsWith('.tmai') ? fixture('mistral-sharded') : second;
  const old = join(root, 'old', name);
  mkdirSync(dirname(old));
  await convert(first, old);
  const start = (run: string) => {
    const folder = join(root, run);
    mkdirSync(folder);
    cpSync(old, join(folder, name), { recursive: true });
    return join(folder, name);
  };
  const output = start('undisturbed');
  const count = join(root, 'count');
  expect(await runWith({ FAULT_COUNT: count }, input, output)).toMatchObject({ code: 0, signal: null });
  return {
    input,
    start,
    before: state(old),
    after: state(output),
    changes: Number(readFileSync(count, 'utf8')),
  };
}

/** Each number from 1 to `last`, two at a time. */
async function forEachChange(last: number, action: (change: number) => Promise<void>): Promise<void> {
  let next = 1;
  const lane = async () => {
    while (next <= last) {
      const change = next;
      next += 1;
      await action(change);
    }
  };
  await Promise.all([lane(), lane()]);
}

/** Opening says where the old model is; converting puts it back before anything else. */
async function expectPutBack(input: string, output: string, aside: string): Promise<void> {
  const error = await errorOf(() => openModel(output));
  expect([error.code, error.message]).toEqual(['IO', expect.stringContaining(`waits as ${aside}; rename`)]);
  const refusal = await errorOf(() => convert(input, output));
  expect([refusal.code, refusal.message]).toEqual(['INVALID', expect.stringMatching(/is not empty/)]);
  expect(existsSync(aside)).toBe(false);
  (await openModel(output)).close();
}

describe.each(['model.tmai', 'model'])('%s', (name) => {
  test('a crash at any change leaves the old model or the new one', { timeout: 300_000 }, async () => {
    const { input, start, before, after, changes } = await prepare(name);
    expect(changes).toBeGreaterThan(25);
    const found = { between: 0, behind: 0 };
    await forEachChange(changes, async (change) => {
      const output = start(`crash-${change}`);
      const { signal } = await runWith({ FAULT: 'kill', FAULT_AT: String(change) }, input, output);
      expect(signal).toBe('SIGKILL');
      const aside = `${output}.replaced.tmp`;
      if (state(output) === null) {
        // A folder cannot be exchanged in one step: between two renames the old one stands beside, whole.
        found.between += 1;
        expect(state(aside)).toBe(before);
        await expectPutBack(input, output, aside);
      }
      expect([before, after]).toContain(state(output));
      if (!existsSync(aside)) return;
      found.behind += 1;
      await convert(input, output, { force: true });
      expect([state(output), existsSync(aside)]).toEqual([after, false]);
    });
    expect(found).toEqual(name === 'model' ? { between: 1, behind: 2 } : { between: 0, behind: 0 });
  });

  test('a disk that fails at any change: an error that says so, the old model, and nothing else', {
    timeout: 300_000,
  }, async () => {
    const { input, start, before, after, changes } = await prepare(name);
    await forEachChange(changes, async (change) => {
      const output = start(`fault-${change}`);
      const env = { FAULT: change % 2 ? 'ENOSPC' : 'EIO', FAULT_AT: String(change) };
      const { code, stderr } = await runWith(env, input, output);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^hyperion: IO: cannot write .*(the disk is full|EIO)$/m);
      // After the last rename the new model stands, though what follows it failed.
      expect([before, after]).toContain(state(output));
      if (state(output) === before) expect(readdirSync(dirname(output))).toEqual([name]);
    });
  });

  test('Ctrl-C at any change: the old model and nothing else, or the new one when all was read', {
    timeout: 300_000,
  }, async () => {
    const { input, start, before, after, changes } = await prepare(name);
    await forEachChange(changes, async (change) => {
      const output = start(`interrupt-${change}`);
      const { code, stderr } = await runWith({ FAULT: 'SIGINT', FAULT_AT: String(change) }, input, output);
      if (code === 1) expect(stderr).toMatch(/^hyperion: CANCELLED: writing .* was cancelled$/m);
      else expect(code).toBe(0);
      expect(state(output)).toBe(code === 1 ? before : after);
      expect(readdirSync(dirname(output))).toEqual([name]);
      // The first change comes before any chunk is read.
      if (change === 1) expect(code).toBe(1);
    });
  });
});
