/** The benchmarks as a user meets them. What they measure differs from machine to machine; that it was measured does not. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createControlGroup } from '../../src/monitoring/control-group';
import { fixture } from '../support/fixtures';
import { temporaryFolder } from '../support/temporary';

const cli = join(__dirname, '../../dist/src/cli/main.js');

function bench(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'bench', ...args], {
    encoding: 'utf8',
    timeout: 100_000,
    env,
  });
  return { status, stdout, stderr };
}

const small = ['--budget', '1.5MiB', '--repeat', '1', '--prompt-tokens', '4', '--tokens', '3'];

/** Where no group can be made the benchmark has to say so: that is a result too. */
function expectRefusal({ status, stdout, stderr }: ReturnType<typeof bench>): void {
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/UNSUPPORTED.*control group/);
}

const group = createControlGroup();
group?.remove();

test('--help lists the benchmarks; of one, its options', () => {
  expect(bench(['--help']).stdout).toMatch(/^ {2}loading /m);
  expect(bench(['loading', '--help']).stdout).toMatch(/--budget.*600MiB/);
});

test('loading: one object with what both ways measured under one cap', () => {
  const run = bench(['loading', '--model', fixture('llama-256'), ...small, '--json']);
  if (!group) return expectRefusal(run);
  expect(run.status, run.stderr).toBe(0);
  const { streamed, mapped, ...result } = JSON.parse(run.stdout);
  expect(result).toMatchObject({ budget: 1.5 * 2 ** 20, promptTokens: 4, tokens: 3, repeat: 1 });
  for (const { tokensPerSecond, residentPeakBytes, limitBytes, groupPeakBytes } of [streamed, mapped]) {
    expect(tokensPerSecond.min).toBeGreaterThan(0);
    expect(tokensPerSecond.max).toBeLessThan(Infinity);
    expect(groupPeakBytes).toBeLessThanOrEqual(limitBytes);
    expect(residentPeakBytes).toBeGreaterThan(result.budget);
  }
  // Under its smallest budget a model is read again and again; of mapped files the page cache keeps so small a one.
  expect(streamed.bytesPerToken).toBeGreaterThan(result.modelBytes / 2);
  expect(mapped.bytesPerToken).toBeLessThan(result.modelBytes / 2);
  expect(result.ratio).toBeCloseTo(streamed.tokensPerSecond.median / mapped.tokensPerSecond.median);
  expect(result.shareOfDisk).toBeCloseTo(streamed.tokensPerSecond.median / result.diskTokensPerSecond);
}, 120_000);

test('loading: a table of a sample, which is gone afterwards', () => {
  const folder = temporaryFolder();
  const env = { ...process.env, TMPDIR: folder };
  const run = bench(['loading', '--shape', 'smollm2-135m', '--budget', '128MiB', ...small.slice(2)], env);
  expect(readdirSync(folder)).toEqual([]);
  if (!group) return expectRefusal(run);
  expect(run.status, run.stderr).toBe(0);
  expect(run.stdout).toMatch(/^smollm2-135m bf16, .*budget 128\.0 MiB/);
  expect(run.stdout).toMatch(/^streamed +\d.*\nplain mmap +\d/m);
  expect(run.stdout).toMatch(/^streamed \/ plain mmap: \d+\.\d\d$/m);
}, 120_000);

test('loading: a budget too small is refused with the smallest, before anything is measured', () => {
  const run = bench(['loading', '--model', fixture('llama-256'), '--budget', '64KiB']);
  if (!group) return expectRefusal(run);
  expect(run.status).toBe(1);
  expect(run.stderr).toMatch(/OVER_BUDGET: .*smallest feasible budget/);
}, 60_000);
