/**
 * `budget: 'auto'` in a control group in which another process takes memory: the session gives way before the kernel kills
 * anything, takes the room again when it is free, and generates the same tokens.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openModel } from '../../src/inference/model';
import { writeSample } from '../../src/model/sample/write';
import { createControlGroup } from '../../src/monitoring/control-group';
import { fixture } from '../support/fixtures';
import { errorOf } from '../support/temporary';

const MIB = 2 ** 20;
const TOKENS = 400;
/** Takes memory in steps of 20 MiB until it has 700 MiB, and says so; ends when its input does. */
const HOG = `
  const held = [];
  const step = setInterval(() => {
    held.push(Buffer.alloc(20 * 1048576, 1));
    if (held.length < 35) return;
    clearInterval(step);
    console.log('full');
  }, 50);
  process.stdin.on('end', () => process.exit()).resume();
`;

describe('in a control group', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hyperion-auto-budget-'));
  const model = join(folder, 'sample');
  const sizes = {
    layers: 12,
    hidden: 768,
    heads: 12,
    kvHeads: 12,
    intermediate: 3072,
    vocab: 8192,
    context: 1024,
  };

  beforeAll(async () => {
    await writeSample({ shape: 'tinyllama-1.1b', dtype: 'f16', directory: model, sizes });
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('a session gives way to another process, and grows again when it has ended', async () => {
    const group = createControlGroup();
    if (!group) return console.warn('no memory control group can be made here');
    const started: ChildProcess[] = [];
    const start = (command: readonly string[]) => {
      const [program, ...args] = group.enter(command);
      const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
      started.push(child);
      return { child, lines: createInterface({ input: child.stdout! })[Symbol.asyncIterator]() };
    };
    try {
      group.limit(1024 * MIB);
      const script = join(__dirname, '../support/capped-session.cjs');
      const session = start([process.execPath, script, model, 'auto', String(TOKENS)]);
      const next = async () => JSON.parse((await session.lines.next()).value);
      const { modelBytes } = await next();
      let line = await next();
      // All of the model fits at first.
      expect(line.budget).toBeGreaterThan(modelBytes);

      const hog = start([process.execPath, '-e', HOG]);
      expect((await hog.lines.next()).value).toBe('full');
      while (line.index < TOKENS - 1 && line.reserved > modelBytes / 2) line = await next();
      expect(line.budget).toBeLessThan(modelBytes / 2);
      const lowest = line.budget;

      hog.child.stdin!.end();
      while (line.budget <= lowest + 10 * MIB && line.index < TOKENS - 1) line = await next();
      expect(line.budget).toBeGreaterThan(lowest);

      let last = line;
      while (!last.ids) last = await next();
      const alone = (await openModel(model, { tokenizer: false })).session();
      const expected = alone.generate([1, 2, 3, 4, 5, 6, 7, 8], { maxTokens: TOKENS });
      await expected.text();
      alone.model.close();
      expect(last.ids).toEqual(expected.result.ids);
      expect(group.kills()).toBe(0);
    } finally {
      for (const child of started) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const ended = new Promise((resolve) => child.once('close', resolve));
        child.kill('SIGKILL');
        await ended;
      }
      group.remove();
    }
  }, 120_000);
});

test('is no more than the model can use, and can be left and joined', async () => {
  using model = await openModel(fixture('llama'));
  const session = model.session({ budget: 'auto' });
  const useful = session.budget;
  expect(useful).toBeGreaterThan(model.plan({ positions: model.contextLength }).workingSetBytes);
  expect(useful).toBeLessThan(4 * model.bytes + 64 * MIB);
  expect(model.plan({ budget: 'auto' })).toEqual(model.plan({ budget: useful }));
  await session.setBudget('4 MiB');
  expect(session.budget).toBe(4 * MIB);
  await session.setBudget('auto');
  expect(session.budget).toBe(useful);
  const two = model.session({ budget: 'auto' });
  expect((await two.generate([1, 2, 3], { maxTokens: 2 }).text()).length).toBeGreaterThan(0);
  two.close();
  const fixed = { budget: 'auto', strategy: 'static' } as const;
  expect(await errorOf(() => model.session(fixed))).toMatchObject({ code: 'INVALID' });
  const unlimited = model.session({ strategy: 'static' });
  expect(await errorOf(() => unlimited.setBudget('auto'))).toMatchObject({ code: 'INVALID' });
});
