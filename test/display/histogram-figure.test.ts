import { describe, expect, test } from 'vitest';
import { type HistogramBin, histogramFigure } from '../../src/display';
import { boundBins } from '../../src/display/histogram-figure';
import { expectGolden } from './golden';

/** Many small blocks, and a few large ones that hold most of the bytes. */
const SIZES: readonly HistogramBin[] = [40, 900, 2400, 800, 120, 30, 8, 0, 0, 4, 12, 3].map(
  (count, power) => ({
    from: 16 * 2 ** power,
    to: 32 * 2 ** power,
    count,
    bytes: count * 24 * 2 ** power,
  }),
);

interface Trace {
  name: string;
  x: number[];
  width: number[];
  y: number[];
  text: string[];
}
const traces = (bins: readonly HistogramBin[]) =>
  histogramFigure({ title: 'Sizes', unit: 'bytes', bins }).spec.data as Trace[];

describe('a histogram', () => {
  test('of sizes is drawn as its golden files show', async () => {
    await expectGolden(
      'histogram',
      histogramFigure({ title: 'Sizes of blocks', unit: 'bytes', bins: SIZES }),
    );
  });

  test('shows shares of the count and of the bytes, each adding up to all', () => {
    const [count, bytes] = traces(SIZES);
    for (const series of [count!, bytes!]) {
      expect(series.y.reduce((all, share) => all + share, 0)).toBeCloseTo(100, 1);
    }
    expect(count!.text[1]).toBe('32 B – 64 B: 900, 21%');
    expect(bytes!.text[1]).toBe('32 B – 64 B: 42.2 KiB, 4%');
  });

  test('without bytes has one bar for each bin, as wide as the bin is on a logarithmic scale', () => {
    const bins = [
      { from: 0, to: 16, count: 1 },
      { from: 16, to: 20, count: 1 },
      { from: 20, to: 64, count: 2 },
    ];
    const [count, ...others] = traces(bins);
    expect(others).toEqual([]);
    expect(count!.width.map((width) => 2 ** width)).toEqual(
      [2, 1.25, 3.2].map((ratio) => expect.closeTo(ratio, 6)),
    );
  });

  test.each([
    ['bytes', 'Sizes: 10 from 1.0 KiB to 2.0 KiB; 100% of them in 1.0 KiB – 2.0 KiB'],
    ['count', 'Sizes: 10 from 1,024 to 2,048; 100% of them in 1,024 – 2,048'],
    ['duration', 'Sizes: 10 from 1.02 s to 2.05 s; 100% of them in 1.02 s – 2.05 s'],
  ] as const)('in units of %s says so', (unit, text) => {
    const bins = [{ from: 1024, to: 2048, count: 10 }];
    expect(String(histogramFigure({ title: 'Sizes', unit, bins }))).toBe(text);
  });

  test('lifetimes of microseconds are told apart', () => {
    const bins = [{ from: 0.001, to: 0.05, count: 1 }];
    expect(String(histogramFigure({ title: 'Lifetimes', unit: 'duration', bins }))).toContain(
      '1 µs to 50 µs',
    );
  });

  test('of thousands of bins joins neighbours and loses no count', () => {
    const many = Array.from({ length: 5000 }, (_, index) => ({
      from: index + 1,
      to: index + 2,
      count: 2,
      bytes: 3,
    }));
    const bound = boundBins(many);
    expect(bound.length).toBeLessThanOrEqual(128);
    expect(bound.reduce((all, { count }) => all + count, 0)).toBe(10_000);
    expect(bound.reduce((all, { bytes }) => all + bytes!, 0)).toBe(15_000);
    expect([bound[0]!.from, bound.at(-1)!.to]).toEqual([1, 5001]);
  });

  test('of nothing, and of what is no number, can be drawn', async () => {
    const odd = [
      { from: Number.NaN, to: 5, count: 1 },
      { from: 8, to: 4, count: 1 },
      { from: 1, to: Infinity, count: Number.NaN },
    ];
    for (const bins of [[], odd]) {
      const figure = histogramFigure({ title: '<script>', unit: 'bytes', bins });
      const both = JSON.stringify(figure.spec) + (await figure.toSVG());
      expect(both).not.toMatch(/<script|NaN|Infinity|null/);
    }
    expect(String(histogramFigure({ title: 'Sizes', unit: 'bytes', bins: [] }))).toBe('Sizes: none');
  });
});
