import { describe, expect, test } from 'vitest';
import { type UsageComparison, type UsageSample, usageFigure } from '../../src/display';
import { boundSamples } from '../../src/display/usage-figure';
import { expectGolden } from './golden';
import { waveUsage } from './usages';

const MIB = 2 ** 20;
const FOUR: UsageComparison = {
  title: 'Four strategies',
  limitBytes: 6 * MIB,
  series: [
    { name: 'static', samples: waveUsage(5) },
    { name: 'pooled', samples: waveUsage(0.25) },
    { name: 'dynamic', samples: waveUsage(1) },
    { name: 'hybrid', samples: waveUsage(0.5) },
  ],
};
interface Trace {
  name: string;
  x: number[];
  y: number[];
  xaxis: string;
}
const traces = (comparison: UsageComparison) => usageFigure(comparison).spec.data as Trace[];

describe('memory in use and reserved', () => {
  test('of four strategies is drawn side by side as its golden files show', async () => {
    await expectGolden('usage', usageFigure(FOUR));
  });

  test('every panel has a reserved and an active area on an axis of its own, and all of them one scale', () => {
    expect(traces(FOUR).map(({ name, xaxis }) => `${name} ${xaxis}`)).toEqual(
      ['x', 'x2', 'x3', 'x4'].flatMap((axis) => [`reserved ${axis}`, `active ${axis}`]),
    );
    const layout = usageFigure(FOUR).spec.layout as Record<string, { domain: number[]; range: number[] }>;
    const domains = ['xaxis', 'xaxis2', 'xaxis3', 'xaxis4'].map((axis) => layout[axis]!.domain);
    for (const [index, [from]] of domains.slice(1).entries())
      expect(from!).toBeGreaterThan(domains[index]![1]!);
    expect(layout.yaxis!.range[1]).toBeGreaterThan(6);
    expect(layout.yaxis2).toBeUndefined();
  });

  test('the text says the peak of each', () => {
    expect(String(usageFigure(FOUR))).toBe(
      'usage: 129 ms; peak reserved: static 5.0 MiB, pooled 4.0 MiB, dynamic 4.0 MiB, hybrid 4.0 MiB; limit 6.0 MiB',
    );
    expect(String(usageFigure({ series: [], limitBytes: null }))).toBe('usage: no samples yet');
  });

  test('series are compared from their own beginnings', () => {
    const later = waveUsage(1).map((sample) => ({ ...sample, timeMs: sample.timeMs + 9000 }));
    const [one, two] = [waveUsage(1), later].map((samples) =>
      traces({ series: [{ name: 'a', samples }], limitBytes: null }),
    );
    expect(two).toEqual(one);
  });

  test('a long recording is thinned: peaks and valleys of both figures and the moments they fell into survive', () => {
    const samples: UsageSample[] = Array.from({ length: 50_000 }, (_, index) => ({
      timeMs: 1000 + index,
      activeBytes: 1000 + (index % 7),
      reservedBytes: 5000 + (index % 5),
    }));
    samples[33_333] = { timeMs: 34_333, activeBytes: 1, reservedBytes: 9999 };
    const bound = boundSamples(samples);
    expect(bound.length).toBeLessThan(2500);
    expect(bound).toContainEqual(samples[33_333]);
    expect(bound.at(-1)).toEqual(samples.at(-1));
  });

  test('a single sample shows as if it lasted', () => {
    const samples = [{ timeMs: 7, activeBytes: 10, reservedBytes: 20 }];
    expect(traces({ series: [{ name: 'a', samples }], limitBytes: null }).map(({ x, y }) => [x, y])).toEqual([
      [
        [0, 1],
        [20, 20],
      ],
      [
        [0, 1],
        [10, 10],
      ],
    ]);
  });

  test('names cannot bring markup, and no numbers are drawn as nothing', async () => {
    const samples = [
      { timeMs: Number.NaN, activeBytes: 1, reservedBytes: 1 },
      { timeMs: 0, activeBytes: Number.NaN, reservedBytes: Infinity },
    ];
    for (const series of [[{ name: '<script>', samples }], []]) {
      const figure = usageFigure({ title: '<b>', series, limitBytes: Infinity });
      const both = JSON.stringify(figure.spec) + (await figure.toSVG());
      expect(both).not.toMatch(/<script|<b>|NaN|Infinity|null/);
    }
  });
});
