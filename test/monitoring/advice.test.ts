import { describe, expect, test } from 'vitest';
import { emptyReport, type HistogramBin, type HolderFigures, type MemoryReport } from '../../src/display';
import { adviceFor } from '../../src/monitoring/advice';
import { randomNumbers } from '../display/maps';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A histogram as the engine keeps it: four bins to each doubling, with the bytes of each. */
function binsOf(values: readonly number[]): HistogramBin[] {
  const bins = new Map<number, { count: number; bytes: number }>();
  for (const value of values) {
    const index = Math.floor(4 * Math.log2(value));
    const bin = bins.get(index) ?? { count: 0, bytes: 0 };
    bins.set(index, { count: bin.count + 1, bytes: bin.bytes + value });
  }
  return [...bins]
    .sort((one, two) => one[0] - two[0])
    .map(([index, bin]) => ({ from: 2 ** (index / 4), to: 2 ** ((index + 1) / 4), ...bin }));
}

const HOLDER: HolderFigures = {
  name: 'cache',
  kind: 'allocator',
  strategy: 'dynamic',
  currentBytes: MIB,
  peakBytes: 1.5 * MIB,
  reservedBytes: 1.1 * MIB,
  limitBytes: null,
  liveBlocks: 10,
  externalFragmentation: 0.05,
  internalFragmentation: 0.02,
};
const TOTALS = {
  ...emptyReport('').totals,
  allocations: 1000,
  frees: 990,
  newestFirstFrees: 200,
  liveBlocks: 10,
};

/** One holder in which nothing stands out, with what differs. */
function seen(holder: Partial<HolderFigures>, rest: Partial<MemoryReport> = {}) {
  return { ...emptyReport('Memory'), totals: TOTALS, holders: [{ ...HOLDER, ...holder }], ...rest };
}
const titles = (report: MemoryReport) => adviceFor(report).map(({ title }) => title);
const random = randomNumbers(11);
const values = (count: number, value: () => number) => Array.from({ length: count }, value);
/** Sizes and lifetimes without a pattern: over ten doublings, and of one kind. */
const SCATTERED = binsOf(values(1000, () => Math.floor(16 * 2 ** (10 * random()))));
const ALIKE = binsOf(values(990, () => -10 * Math.log(1 - random()) + 1e-3));

describe('advice', () => {
  test('is silent when nothing stands out', () => {
    expect(adviceFor(emptyReport('Memory'))).toEqual([]);
    expect(adviceFor(seen({}, { sizes: SCATTERED, lifetimes: ALIKE }))).toEqual([]);
  });

  test('one size dominates: pools of it, which lose nothing', () => {
    const sizes = [
      { from: 512, to: 513, count: 950, bytes: 950 * 512 },
      { from: 600, to: 700, count: 50, bytes: 50 * 640 },
    ];
    expect(adviceFor(seen({}, { sizes }))).toEqual([
      {
        title: "Make 'cache' pooled",
        because:
          '95% of 1,000 allocations are of 512 B – 513 B: with blocks of 512 B, pools would lose at most 1% to rounding; ' +
          'it is dynamic, and its peak was 1.5 MiB.',
        change: "Create 'cache' with { strategy: 'pooled', blockSize: 512 }.",
      },
    ]);
  });

  test('the loss that is promised is never less than the loss that pools have', () => {
    const asked = values(1000, () => 200 + Math.floor(120 * random()));
    const [advice] = adviceFor(seen({}, { sizes: binsOf(asked) }));
    const blockSize = Number(/blockSize: (\d+)/.exec(advice!.change)![1]);
    const promised = Number(/at most (\d+)%/.exec(advice!.because)![1]);
    expect(blockSize % 16).toBe(0);
    // Classes of 1, 1.25, 1.5 and 1.75 blocks, rounded up to 16 bytes.
    const classes = [1, 1.25, 1.5, 1.75, 2].map((part) => Math.ceil((part * blockSize) / 16) * 16);
    const handedOut = asked.map((bytes) => classes.find((each) => each >= bytes)!);
    const sum = (list: readonly number[]) => list.reduce((all, each) => all + each, 0);
    expect(promised / 100 + 0.005).toBeGreaterThanOrEqual(1 - sum(asked) / sum(handedOut));
    expect(promised).toBeLessThan(25);
  });

  test('frees in the reverse order of allocations: static, as large as the peak and a little', () => {
    const totals = { ...TOTALS, newestFirstFrees: 985 };
    const [advice, ...others] = adviceFor(seen({}, { totals, sizes: SCATTERED }));
    expect(others).toEqual([]);
    expect(advice!.because).toBe(
      '99% of 990 frees gave back the newest block; it is dynamic, and its peak was 1.5 MiB.',
    );
    expect(advice!.change).toBe(
      `Create 'cache' with { strategy: 'static', initialPoolSize: ${(1.5 * MIB * 17) / 16} }.`,
    );
  });

  test('no frees at all: static too, and not without having watched', () => {
    const totals = { ...TOTALS, frees: 0, newestFirstFrees: 0 };
    expect(adviceFor(seen({}, { totals }))[0]!.because).toContain(
      'None of 1,000 allocations was freed one by one',
    );
    const unwatched = { ...TOTALS, newestFirstFrees: undefined };
    expect(titles(seen({}, { totals: unwatched }))).toEqual([]);
  });

  test('blocks that are gone at once among blocks that stay: hybrid', () => {
    const lifetimes = binsOf([
      ...values(900, () => 0.01 + 0.05 * random()),
      ...values(90, () => 500 + 500 * random()),
    ]);
    const [advice] = adviceFor(seen({}, { sizes: SCATTERED, lifetimes }));
    expect(advice!.title).toBe("Make 'cache' hybrid");
    expect(advice!.because).toMatch(
      /^90% of all blocks lived less than 10 ms, 10% longer than \d+ ms or still;/,
    );
  });

  test('a strategy that is in use already is not advised', () => {
    const lifetimes = binsOf([...values(900, () => 0.01), ...values(90, () => 500)]);
    expect(titles(seen({ strategy: 'hybrid' }, { lifetimes }))).toEqual([]);
    const sizes = binsOf(values(1000, () => 512));
    expect(titles(seen({ strategy: 'pooled' }, { sizes }))).toEqual([]);
  });

  test('many small survivors that keep free room in pieces: pools if sizes are few, else hybrid', () => {
    const scattered = {
      externalFragmentation: 0.62,
      liveBlocks: 2000,
      currentBytes: 200 * KIB,
      reservedBytes: 390 * KIB,
    };
    const [hybrid] = adviceFor(seen(scattered, { sizes: SCATTERED }));
    expect(hybrid!.because).toBe(
      '62% of its free room lies outside the largest hole: 2,000 live blocks of 102 B on average are scattered over 390.0 KiB.',
    );
    expect(hybrid!.change).toBe("Create 'cache' with { strategy: 'hybrid', enableOptimization: true }.");
    const [pooled] = adviceFor(
      seen(scattered, { sizes: [{ from: 96, to: 97, count: 1000, bytes: 96_000 }] }),
    );
    expect(pooled!.change).toBe("Create 'cache' with { strategy: 'pooled', blockSize: 96 }.");
  });

  test('a few large survivors, or free room of a crumb, fragment nothing that matters', () => {
    const large = {
      externalFragmentation: 0.62,
      liveBlocks: 20,
      currentBytes: 20 * MIB,
      reservedBytes: 30 * MIB,
    };
    const full = {
      externalFragmentation: 0.9,
      liveBlocks: 2000,
      currentBytes: MIB,
      reservedBytes: 1.05 * MIB,
    };
    expect([large, full].map((holder) => titles(seen(holder)))).toEqual([[], []]);
  });

  test('rounding: a block size that fits, or dynamic when none does', () => {
    const wasteful = { strategy: 'pooled', internalFragmentation: 0.5 };
    const [fitting] = adviceFor(
      seen(wasteful, { sizes: [{ from: 48, to: 49, count: 1000, bytes: 48_000 }] }),
    );
    expect(fitting!.because).toContain('50% of what it hands out is rounding. 100% of 1,000 allocations');
    expect(fitting!.change).toContain("strategy: 'pooled', blockSize: 48");
    expect(adviceFor(seen(wasteful, { sizes: SCATTERED }))[0]!.change).toContain("strategy: 'dynamic'");
  });

  test('a reserve that lies idle: trim, or a smaller initial pool where even the peak did not need it', () => {
    const idle = { currentBytes: MIB, peakBytes: 9 * MIB, reservedBytes: 10 * MIB };
    const [trim] = adviceFor(seen(idle));
    expect(trim!.because).toBe('It has 10.0 MiB reserved and 1.0 MiB in use; its peak was 9.0 MiB.');
    expect(trim!.change).toContain('trim()');
    const oversized = { ...idle, strategy: 'static', peakBytes: 2 * MIB };
    expect(adviceFor(seen(oversized))[0]!.change).toBe(
      `Create it with initialPoolSize: ${(2 * MIB * 17) / 16}.`,
    );
    expect(adviceFor(seen({ ...idle, strategy: 'static' }))).toEqual([]);
  });

  test('leaks: how many, how much, and the place that most come from', () => {
    const leak = (callSite: string, closed: boolean) => ({
      holder: 'cache',
      tag: 'rows',
      bytes: KIB,
      allocatedAtMs: 1,
      callSite,
      closed,
    });
    const leaks = [leak('a.ts:1', false), leak('b.ts:2', true), leak('b.ts:2', true)];
    expect(adviceFor({ ...emptyReport('Memory'), leaks })).toEqual([
      {
        title: 'Give back what is left behind',
        because:
          '3 blocks were never given back, 3.0 KiB in all, 2 to a holder that is closed; most come from rows in cache.',
        change:
          'Free blocks before their holder closes, or take them from one that is reset as a whole. Begin at b.ts:2.',
      },
    ]);
    const [many] = adviceFor({ ...emptyReport('Memory'), leaks, omitted: { leaks: 997 } });
    expect(many!.because).toContain('1,000 blocks were never given back, at least 3.0 KiB in all');
  });

  test('misuse: one advice for each kind, with the first of it', () => {
    const misuse = (kind: string, timeMs: number) => ({
      kind,
      holder: 'cache',
      tag: 'rows',
      bytes: KIB,
      timeMs,
      message: 'freed before',
      callSite: 'a.ts:3',
    });
    const misuses = [misuse('double free', 5), misuse('constructor', 6), misuse('double free', 7)];
    const advice = adviceFor({ ...emptyReport('Memory'), misuses });
    expect(advice.map(({ because }) => because)).toEqual([
      "2 refusals, the first 5.00 ms after the start, in 'cache', 1.0 KiB of rows: freed before",
      "1 refusal, the first 6.00 ms after the start, in 'cache', 1.0 KiB of rows: freed before",
    ]);
    expect(advice[0]!.change).toBe('Free each block once, where its owner is done with it. Begin at a.ts:3.');
    expect(advice[1]!.change).toBe('See what the code does there. Begin at a.ts:3.');
  });

  test('a holder that several patterns fit is advised one strategy', () => {
    const scattered = {
      externalFragmentation: 0.62,
      liveBlocks: 2000,
      currentBytes: 200 * KIB,
      reservedBytes: 3 * MIB,
    };
    const totals = { ...TOTALS, newestFirstFrees: 985 };
    expect(titles(seen(scattered, { totals, sizes: SCATTERED }))).toEqual([
      "Keep small blocks of 'cache' together",
      "Give back what 'cache' does not use",
    ]);
  });
});
