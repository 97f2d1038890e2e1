/**
 * The promise of a budget that changes, held by the kernel: 200 tokens under budgets of 15% to 100% of the model, each in a control
 * group that would kill the process at its resident baseline + budget + 16 MiB, while the budget is swept down and up.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openModel } from '../../src/inference/model';
import { writeSample } from '../../src/model/sample/write';
import { runCapped } from '../support/control-group';

const MIB = 2 ** 20;
const PAGE = 4096;
const SLACK_BYTES = 16 * MIB;
const TOKENS = 200;
const script = join(__dirname, '../support/capped-session.cjs');

describe('swept budgets in a control group', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hyperion-budget-sweep-'));
  const path = join(folder, 'sample');
  let modelBytes: number;
  let smallest: number;
  let ids: number[];
  let baselineBytes: number;

  const run = (limit: number, budget: number | 'unlimited', sweep: number[] = []) =>
    runCapped([process.execPath, script, path, String(budget), String(TOKENS), ...sweep.map(String)], limit);

  beforeAll(async () => {
    const sizes = { layers: 4, hidden: 768, heads: 12, kvHeads: 4, intermediate: 3072, vocab: 8192 };
    await writeSample({ shape: 'tinyllama-1.1b', dtype: 'f16', directory: path, sizes });
    using model = await openModel(path);
    modelBytes = model.bytes;
    smallest = model.plan({ positions: TOKENS + 8, budget: '16 MiB' }).smallestBudgetBytes;
    const free = await run(16 * 1024 * MIB, 'unlimited');
    const lines = linesOf(free.stdout);
    baselineBytes = lines[0]!.baselineBytes as number;
    ids = lines.at(-1)!.ids as number[];
    expect(ids).toHaveLength(TOKENS);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([15, 25, 50, 75, 100])(
    '%d percent of the model: not killed, and the same tokens',
    async (percent) => {
      const budget = Math.ceil((modelBytes * percent) / 100 / PAGE) * PAGE;
      // Parts were cut for the first budget: a share of it is feasible still.
      const least = Math.max(smallest, Math.floor(budget / 2));
      const limit = Math.ceil((baselineBytes + budget + SLACK_BYTES) / PAGE) * PAGE;
      const sweep = [least, budget, Math.floor((least + budget) / 2), budget, Math.floor(0.9 * budget)];
      const capped = await run(limit, budget, sweep);
      expect([capped.stderr, capped.code, capped.signal]).toEqual(['', 0, null]);
      const lines = linesOf(capped.stdout);
      const end = lines.at(-1)!;
      expect(end.ids).toEqual(ids);
      expect(end.changes).toBe(TOKENS);
      expect(end.largest).toBeLessThanOrEqual(budget);
      expect(new Set(lines.slice(1, -1).map((line) => line.budget)).size).toBeGreaterThan(3);
      if (capped.capped) {
        expect(capped.outOfMemoryKills).toBe(0);
        expect(capped.groupPeakBytes).toBeLessThanOrEqual(limit);
      } else {
        console.warn('no memory control group can be made here: only what the session reports was checked');
      }
    },
    180_000,
  );
});

function linesOf(stdout: string): Record<string, unknown>[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
