import { describe, expect, test } from 'vitest';
import { type MemoryTimeline, memoryFigure } from '../../src/display';
import { expectGolden } from './golden';
import { streamingTimeline, totals } from './timelines';

interface Trace {
  name: string;
  x: number[];
  y: number[];
  mode: string;
  text?: string[];
}
const traces = (timeline: MemoryTimeline) => memoryFigure(timeline).spec.data as Trace[];
const trace = (timeline: MemoryTimeline, name: string) =>
  traces(timeline).find((each) => each.name === name)!;
const layout = (timeline: MemoryTimeline) =>
  memoryFigure(timeline).spec.layout as {
    shapes: { y0: number; label: { text: string } }[];
    annotations: { text: string }[];
    xaxis: { title: { text: string }; range: number[] };
    yaxis: { title: { text: string }; range: number[] };
  };

describe('memory over time', () => {
  test('a streaming session is drawn as its golden files show', async () => {
    await expectGolden('memory', memoryFigure(streamingTimeline()));
  });

  test('without samples there are axes, the budget and a note', async () => {
    await expectGolden('memory-empty', memoryFigure(totals([], 4 << 20)));
  });

  test('a band per tag comes first, then current and peak, then evictions and loads', () => {
    const names = traces(streamingTimeline()).map((each) => each.name);
    expect(names).toEqual([
      'weights',
      'staging',
      'activations',
      'kv-cache',
      'scratch',
      'current',
      'peak',
      'evict',
      'load',
    ]);
  });

  test('bands add up to the current line', () => {
    const all = traces(streamingTimeline());
    const current = all.find((each) => each.name === 'current')!;
    current.y.forEach((value, index) => {
      const sum = all.slice(0, 5).reduce((bytes, band) => bytes + band.y[index]!, 0);
      expect(sum).toBeCloseTo(value, 2);
    });
  });

  test('the budget is labelled with its size and lies inside the axis', () => {
    const { shapes, yaxis } = layout(totals([2 << 20], 4 << 20));
    expect(shapes.map((shape) => [shape.y0, shape.label.text])).toEqual([[4, 'budget 4.0 MiB']]);
    expect(yaxis.range[1]).toBeGreaterThan(4);
  });

  test('an unlimited budget draws no line', () => {
    expect(layout(totals([1000, 2000])).shapes).toEqual([]);
    expect(layout(totals([1000, 2000], Infinity)).shapes).toEqual([]);
  });

  test('units follow the sizes and the time', () => {
    const titles = (timeline: MemoryTimeline) => [
      layout(timeline).xaxis.title.text,
      layout(timeline).yaxis.title.text,
    ];
    expect(titles(totals([100, 200]))).toEqual(['time (ms)', 'memory (B)']);
    expect(titles(totals(Array(20).fill(3 * 2 ** 30)))).toEqual(['time (s)', 'memory (GiB)']);
  });

  test('times count from the first sample', () => {
    expect(trace(streamingTimeline(), 'current').x[0]).toBeLessThan(2 / 1000);
  });

  test('a single sample shows as a point, because a line of one point is invisible', () => {
    expect(trace(totals([5000]), 'current').mode).toBe('markers');
    expect(trace(totals([5000, 6000]), 'current').mode).toBe('lines');
  });

  test('a long recording is thinned and keeps its highest and its lowest moment', () => {
    const bytes = Array.from({ length: 50_000 }, (_, index) => 1000 + (index % 7));
    bytes[33_333] = 9999;
    bytes[44_444] = 1;
    const current = trace(totalsOf(bytes), 'current');
    expect(current.x.length).toBeLessThan(1300);
    expect(Math.max(...current.y)).toBeCloseTo(9999 / 1024, 3);
    expect(Math.min(...current.y)).toBeCloseTo(1 / 1024, 3);
    expect(current.x).toEqual([...current.x].sort((a, b) => a - b));
  });

  test('a chart that moves gains points as long as it grows', () => {
    const bytes = Array.from({ length: 20_000 }, (_, index) => (index * 7919) % 1009);
    const counts = [50, 200, 1000, 3000, 9000, 20_000].map(
      (length) => trace(totalsOf(bytes.slice(0, length)), 'current').x.length,
    );
    expect(counts).toEqual([...new Set(counts)].sort((a, b) => a - b));
  });

  test('two samples of one moment are one, the larger: stacked twice, its bands rose out of the picture', async () => {
    const sample = (timeMs: number, bytes: number) => ({
      timeMs,
      currentBytes: bytes,
      peakBytes: 900,
      byTag: [bytes],
    });
    const samples = [sample(0, 100), sample(1000, 900), sample(1000.001, 800), sample(2000, 100)];
    const current = trace({ ...totals([]), samples }, 'current');
    expect([current.x, current.y]).toEqual([
      [0, 1, 2],
      [100, 900, 100],
    ]);
  });

  test('marks that fall together become one, which says how many it is', () => {
    const marks = Array.from({ length: 30_000 }, (_, index) => ({
      timeMs: index,
      kind: 'load' as const,
      layer: `layers.${index}`,
      bytes: 1 << 20,
    }));
    const loads = trace({ ...totals([1, 2]), marks }, 'load');
    expect(loads.x.length / 3).toBeLessThan(600);
    expect(loads.text![0]).toBe('128 layers, layers.0 first, 128.0 MiB');
  });

  test('NaN, infinities and missing tags are drawn as nothing', async () => {
    const samples = [
      { timeMs: 0, currentBytes: Number.NaN, peakBytes: Infinity, byTag: [Number.NaN] },
      { timeMs: Number.NaN, currentBytes: 5, peakBytes: 5, byTag: [] },
      { timeMs: 10, currentBytes: 2 ** 53, peakBytes: 2 ** 53, byTag: [-1] },
    ];
    const marks = [{ timeMs: Number.NaN, kind: 'load' as const, layer: 'a', bytes: Number.NaN }];
    const figure = memoryFigure({ budgetBytes: Number.NaN, tags: ['weights', 'scratch'], samples, marks });
    const json = JSON.stringify(figure.spec);
    expect(json).not.toContain('null');
    expect(json).toContain('memory (TiB)');
    expect(await figure.toSVG()).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('names cannot bring markup into the picture', async () => {
    const hostile = '<script>alert(1)</script>&"\u0000\ud800';
    const timeline = {
      ...totals([1, 2]),
      title: hostile,
      tags: [hostile],
      marks: [{ timeMs: 50, kind: 'load' as const, layer: hostile, bytes: 1 }],
    };
    const figure = memoryFigure(timeline);
    expect(JSON.stringify(figure.spec)).not.toContain('<script');
    const svg = await figure.toSVG();
    expect(svg).not.toContain('<script');
    expect(svg).not.toMatch(/&(?!(amp|lt|gt|quot|#39);)/);
    expect(svg).not.toMatch(/[\0\ud800]/);
  });

  test('the text says the peak, the budget, the time and the traffic', () => {
    const [summary, curve] = String(memoryFigure(streamingTimeline())).split('\n');
    expect(summary).toBe('memory: peak 3.8 MiB of a 4.0 MiB budget over 1.28 s; 60 loads, 52 evictions');
    expect(curve).toMatch(/^[▁▂▃▄▅▆▇█]{48}$/);
    expect(String(memoryFigure(totals([])))).toBe('memory: no samples yet; no budget');
  });
});

/** `totals` without its quadratic peak. */
function totalsOf(bytes: readonly number[]): MemoryTimeline {
  const samples = bytes.map((currentBytes, index) => ({
    timeMs: index,
    currentBytes,
    peakBytes: 9999,
    byTag: [currentBytes],
  }));
  return { budgetBytes: null, tags: ['weights'], samples, marks: [] };
}
