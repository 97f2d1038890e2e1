/** The comparison of loading: its formulas, its report, and small runs, of which the figures are there and consistent. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LoadingResult } from '../../src/cli/bench/loading';
import { loadingChart } from '../../src/cli/bench/loading-chart';
import { type Verdict, verdictsOf } from '../../src/cli/bench/loading-goals';
import { meanBandwidths, mostRead, passLimit } from '../../src/cli/bench/loading-limits';
import { loadingReport } from '../../src/cli/bench/loading-report';
import type { CaseResult, WayFigures, WayResult } from '../../src/cli/bench/loading-summary';
import { createControlGroup } from '../../src/monitoring/control-group';
import { fixture } from '../support/fixtures';
import { temporaryFolder } from '../support/temporary';

const cli = join(__dirname, '../../dist/src/cli/main.js');
const MIB = 2 ** 20;

/** Without peers unless the environment names some: they may be installed or not where tests run. */
function bench(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'bench', 'loading', ...args], {
    encoding: 'utf8',
    timeout: 100_000,
    env: { ...process.env, HYPERION_PEERS: join(__dirname, 'none'), ...env },
  });
  return { status, stdout, stderr };
}

const small = ['--repeat', '1', '--prompt-tokens', '4', '--tokens', '3'];

/** Where no group can be made the benchmark has to say so: that is a result too. */
function expectRefusal({ status, stdout, stderr }: ReturnType<typeof bench>): void {
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/UNSUPPORTED.*control group/);
}

const group = createControlGroup();
group?.remove();

test('a pass takes as long as the slower of disk and memory', () => {
  expect(passLimit(1000, 2000, { disk: 500, memory: 4000 })).toBe(1 / 2);
  expect(passLimit(100, 2000, { disk: 500, memory: 4000 })).toBe(1 / 0.5);
  expect(passLimit(0, 2000, { disk: 500, memory: 4000 })).toBe(2);
});

test('what the machine gave is the mean of before and after, and the disk by its faster way of the two', () => {
  const before = { disk: [300, 100], memory: 10 };
  const after = { disk: [100, 200], memory: 20 };
  expect(meanBandwidths(before, after)).toEqual({ disk: 200, memory: 15 });
});

test('a pass reads what does not fit beside the working set, and a block; never more than there is', () => {
  const residence = { modelBytes: 1000, workingSetBytes: 50, blockBytes: 100 };
  expect(mostRead({ ...residence, budget: 550 })).toBe(600);
  expect(mostRead({ ...residence, budget: 2000 })).toBe(100);
  expect(mostRead({ ...residence, budget: 60 })).toBe(1000);
});

const spread = (median: number) => ({ median, min: median - 0.25, max: median + 0.25 });
const figures: WayFigures = {
  tokensPerSecond: spread(3),
  timeToFirstTokenMs: spread(500),
  shareOfLimit: spread(0.75),
  bytesPerPass: 600 * MIB,
  residentPeakBytes: 600 * MIB,
  residentGrowthBytes: 510 * MIB,
  groupPeakBytes: 640 * MIB,
  groupGrowthBytes: 520 * MIB,
};
const streamed: WayResult = { way: 'streamed', failure: null, kills: 0, figures };
const killed: WayResult = { way: 'llama.cpp', failure: 'killed by the cap', kills: 1, figures: null };
const slower: WayResult = {
  ...{ way: 'llama.cpp', failure: null, kills: 0 },
  figures: { ...figures, tokensPerSecond: spread(1) },
};
const measured: CaseResult = {
  ...{ name: 'q8_0-50', model: 'q8_0', budget: 500 * MIB, tokens: 8, goal: { ofLimit: 0.85, ofOthers: 3 } },
  ...{ fileBytes: 1000 * MIB, capBytes: 650 * MIB, passBytes: 1000 * MIB, mostBytesPerPass: 550 * MIB },
  ...{ diskBytesPerSecond: spread(2 ** 31), memoryBytesPerSecond: spread(2 ** 35) },
  ways: [streamed, slower],
};

test('each demand is met or not, and unknown where the peer gave nothing to compare with', () => {
  const met = (result: CaseResult) => verdictsOf(result).map((verdict) => [verdict.demand, verdict.met]);
  expect(met(measured)).toEqual([
    ['>= 85% of the limit', false],
    ['>= 3 x llama.cpp', true],
    ['read in a pass <= 550.0 MiB', false],
    ['resident beyond baseline + budget <= 16.0 MiB', true],
    ['control group beyond baseline + budget <= 16.0 MiB', false],
  ]);
  const within = { ...streamed, figures: { ...figures, groupGrowthBytes: 490 * MIB } };
  expect(verdictsOf({ ...measured, ways: [within] }).at(-1)).toMatchObject({
    measured: '-10.0 MiB',
    met: true,
  });
  const [, ratio] = verdictsOf({ ...measured, ways: [streamed, killed] });
  expect(ratio).toMatchObject({ measured: 'llama.cpp: killed by the cap', met: null });
  const [lost] = verdictsOf({ ...measured, ways: [{ ...killed, way: 'streamed' }] });
  expect(lost).toMatchObject({ demand: 'runs to its end', measured: 'killed by the cap', met: false });
});

test('the report has speeds with their spread, what ended a peer, and which peers are not here', () => {
  const result: LoadingResult = {
    ...{ threads: 2, promptTokens: 8, repeat: 3 },
    peers: [{ name: 'llama.cpp', what: 'on mapped files', version: null, install: 'npm install it' }],
    cases: [{ ...measured, ways: [streamed, killed] }],
  };
  const text = loadingReport(result);
  expect(text).toMatch(
    /^q8_0-50 +500\.0 MiB of 1000\.0 MiB +streamed +8 +3\.00 \(2\.75–3\.25\) +75% \(50–100\) +600\.0 MiB/m,
  );
  expect(text).toMatch(/^ +llama\.cpp +8 +killed by the cap /m);
  expect(text).toMatch(/^q8_0-50 +1000\.0 MiB +2\.0 GiB\/s .*32\.0 GiB\/s/m);
  expect(text).toMatch(/^q8_0-50 +>= 85% of the limit +75% +NO$/m);
  expect(text).toContain('llama.cpp is not here, and is not compared with: npm install it');
});

test('the chart has the limit, and each way by budget, of the cases of f16 alone', async () => {
  const f16 = { ...measured, name: 'f16-50' };
  const further = { ...measured, name: 'f16-75', budget: 750 * MIB, ways: [streamed, killed] };
  const result: LoadingResult = {
    ...{ threads: 2, promptTokens: 8, repeat: 3, peers: [] },
    cases: [f16, further, measured],
  };
  const { data } = loadingChart(result).spec as unknown as {
    data: { name: string; x: number[]; y: number[] }[];
  };
  const limit = 3.4133; // 2 GiB/s for 600 MiB
  expect(data.map(({ name, x, y }) => [name, [...x], [...y]])).toEqual([
    ['limit', [50, 75], [limit, limit]],
    ['streamed', [50, 75], [3, 3]],
    ['llama.cpp', [50], [1]],
  ]);
  expect(await loadingChart(result).toSVG()).toMatch(/^<svg.*llama\.cpp.*<\/svg>/s);
});

test('a case of samples: one object with what every way measured, and no sample is left', () => {
  const folder = temporaryFolder();
  const args = ['--shape', 'smollm2-135m', '--only', 'q4_0-50', '--only', 'batch', ...small, '--json'];
  const run = bench(args, { TMPDIR: folder });
  expect(readdirSync(folder)).toEqual([]);
  if (!group) return expectRefusal(run);
  expect(run.status, run.stderr).toBe(0);
  const { cases, peers, verdicts, ...result } = JSON.parse(run.stdout) as LoadingResult & {
    verdicts: Verdict[];
  };
  expect(verdicts).toEqual(cases.flatMap(verdictsOf));
  expect(result).toMatchObject({ promptTokens: 4, repeat: 1 });
  expect(peers).toMatchObject([
    { name: 'llama.cpp', version: null },
    { name: 'ik_llama.cpp' },
    { name: 'accelerate' },
  ]);
  expect(cases.map(({ name, ways }) => [name, ...ways.map(({ way }) => way)])).toEqual([
    ['q4_0-50', 'streamed'],
    ['batch', 'batch', 'streamed'],
  ]);
  for (const { budget, tokens, capBytes, fileBytes, passBytes, ways, memoryBytesPerSecond } of cases) {
    expect(tokens).toBe(3);
    expect(budget).toBe(Math.floor(fileBytes / 2));
    expect(capBytes).toBe(budget! + 150 * MIB);
    expect(memoryBytesPerSecond.min).toBeGreaterThan(0);
    for (const { figures: its, kills } of ways) {
      expect(kills).toBe(0);
      expect(its!.tokensPerSecond.min).toBeGreaterThan(0);
      expect(its!.shareOfLimit!.max).toBeLessThan(Infinity);
      expect(its!.groupPeakBytes).toBeLessThanOrEqual(capBytes!);
      expect(its!.residentGrowthBytes).toBeGreaterThan(budget! / 2);
      // Half of the model stays.
      expect(its!.bytesPerPass).toBeGreaterThan(passBytes / 4);
      expect(its!.bytesPerPass).toBeLessThan((passBytes * 3) / 4);
    }
  }
}, 120_000);

test('a model that is there: streamed and mapped, with the same logits', () => {
  const run = bench(['--model', fixture('llama-256'), '--budget', '1.5MiB', ...small, '--json']);
  if (!group) return expectRefusal(run);
  expect(run.status, run.stderr).toBe(0);
  const [only]: LoadingResult['cases'] = JSON.parse(run.stdout).cases;
  const [own, mapped] = only!.ways;
  expect([own!.way, mapped!.way]).toEqual(['streamed', 'mapped']);
  // Under its smallest budget a model is read again and again; of mapped files the page cache keeps so small a one.
  expect(own!.figures!.bytesPerPass).toBeGreaterThan(only!.passBytes / 2);
  expect(mapped!.figures!.bytesPerPass).toBeLessThan(only!.passBytes / 2);
}, 120_000);

test('a peer that cannot run is reported, and what is ours is measured', () => {
  const peers = temporaryFolder();
  const broken = join(peers, 'node_modules/node-llama-cpp');
  mkdirSync(join(broken, 'dist'), { recursive: true });
  writeFileSync(join(broken, 'package.json'), '{ "version": "0.0.0", "type": "module" }');
  writeFileSync(
    join(broken, 'dist/index.js'),
    "export const getLlama = async () => { throw new Error('no CPU build'); };",
  );
  const args = ['--shape', 'smollm2-135m', '--only', 'q4_0-25', ...small, '--json'];
  const run = bench(args, { HYPERION_PEERS: peers });
  if (!group) return expectRefusal(run);
  expect(run.status, run.stderr).toBe(0);
  const [own, peer] = (JSON.parse(run.stdout) as LoadingResult).cases[0]!.ways;
  expect(own!.figures).not.toBeNull();
  expect(peer).toMatchObject({ way: 'llama.cpp', failure: 'no CPU build', figures: null, kills: 0 });
}, 120_000);

test('a budget too small is refused with the smallest, before anything is measured', () => {
  const run = bench(['--model', fixture('llama-256'), '--budget', '64KiB']);
  if (!group) return expectRefusal(run);
  expect(run.status).toBe(1);
  expect(run.stderr).toMatch(/OVER_BUDGET: .*smallest feasible budget/);
}, 60_000);

test.each<[string[], number, RegExp]>([
  [['--budget', '64MiB'], 1, /INVALID: budget is for a model that --model names/],
  [['--only', 'fits', '--svg', 'chart.svg'], 1, /INVALID: svg draws the cases of f16/],
  [['--tokens', '0'], 1, /INVALID: tokens is 0/],
  [['--only', 'f15-50'], 2, /'--only <names\.\.\.>' argument 'f15-50' is invalid/],
  [['--model', 'here', '--only', 'fits'], 2, /cannot be used with option '--only/],
])('%j is refused', (args, status, message) => {
  const run = bench(args);
  expect([run.status, run.stdout]).toEqual([status, '']);
  expect(run.stderr).toMatch(message);
});
