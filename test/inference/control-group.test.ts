/**
 * The promise of the budget, held by the kernel and not by our own counters: a 2.2 GB model generates under 600 MiB in a control
 * group that would kill it at the resident baseline + budget + 16 MiB.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSize } from '../../src/units';
import { runCapped } from '../support/control-group';

const MIB = 1024 * 1024;
const SLACK_BYTES = 16 * MIB;
const cli = [process.execPath, join(__dirname, '../../dist/src/cli/main.js')];

describe('a model larger than its budget, in a control group', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hyperion-control-group-'));
  const model = join(folder, 'tinyllama');

  beforeAll(() => {
    const [node, ...args] = [
      ...cli,
      'sample',
      '--shape',
      'tinyllama-1.1b',
      '--dtype',
      'bf16',
      '--out',
      model,
    ];
    execFileSync(node!, args, { stdio: 'pipe' });
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const generate = (budget: string) => [
    ...cli,
    ...['generate', model, '--ids', '1,2,3,4,5,6,7,8', '--max-tokens', '8', '--budget', budget, '--json'],
  ];

  test('600 MiB: completes, is not killed, and reports what the kernel counted', async () => {
    const budget = parseSize('600MiB');
    const free = await runCapped(generate('600MiB'), 16 * 1024 * MIB);
    const baseline = JSON.parse(free.stdout).residentBaselineBytes as number;

    const limit = Math.ceil((baseline + budget + SLACK_BYTES) / 4096) * 4096;
    const run = await runCapped(generate('600MiB'), limit);
    expect(run.stderr).not.toMatch(/Error|hyperion: /);
    expect([run.code, run.signal]).toEqual([0, null]);
    const result = JSON.parse(run.stdout);
    expect(result.ids).toHaveLength(8);
    expect(result.ids).toEqual(JSON.parse(free.stdout).ids);
    expect(result.enginePeakBytes).toBeLessThanOrEqual(budget);
    expect(result.enginePeakBytes).toBeGreaterThan(budget / 2);
    expect(result.residentPeakBytes).toBeLessThanOrEqual(result.residentBaselineBytes + budget + SLACK_BYTES);
    expect(Math.abs(result.residentPeakBytes - run.highWaterBytes)).toBeLessThan(4 * MIB);
    expect(result.bytesRead).toBeGreaterThan(result.modelBytes);
    if (run.capped) {
      expect(run.outOfMemoryKills).toBe(0);
      expect(run.groupPeakBytes).toBeLessThanOrEqual(limit);
    } else {
      console.warn('no memory control group can be made here: only resident memory was checked');
    }
  }, 240_000);

  test('the cap is real: it kills a process that holds more', async () => {
    const hog = [process.execPath, '-e', 'Buffer.alloc(400 * 1048576, 1); console.log("lived")'];
    const run = await runCapped(hog, 200 * MIB);
    if (run.capped) expect(run.stdout).not.toContain('lived');
    else expect(run.stdout).toContain('lived');
  }, 60_000);
});
