/** Figures of loading: what is read and computed when, which layers are in memory, and how fast. */
import { describe, expect, test } from 'vitest';
import { bandwidthFigure, type Figure, lanesFigure, layerResidencyFigure } from '../../src/display';
import { expectGolden } from './golden';
import { streamingPasses } from './passes';

const MIB = 2 ** 20;
const nan = Number.NaN;

interface Trace {
  name: string;
  x: number[];
  width: number[];
  base: number[];
  y: number[];
  text: string[];
}
const traceOf = (figure: Figure, name: string) =>
  (figure.spec.data as Trace[]).find((trace) => trace.name === name)!;
const layoutOf = (figure: Figure) =>
  figure.spec.layout as {
    shapes: { y0: number; label?: { text: string } }[];
    annotations: { text: string }[];
    yaxis: { range: number[]; ticktext?: string[] };
  };

function lanesOf(passes: number): Figure {
  const { spans, passes: begun, endMs } = streamingPasses(passes);
  return lanesFigure({ title: 'Lanes of tiny', spans, passes: begun, fromMs: 100, toMs: endMs });
}

const layers = Array.from({ length: 6 }, (_, index) => ({
  name: `layers.${index}.attention`,
  bytes: 4 * MIB,
}));
const windows = Array.from({ length: 20 }, (_, index) => ({
  startMs: 500 + index * 10,
  endMs: 510 + index * 10,
  shares: layers.map((_, layer) =>
    layer < 2 ? 1 : (index + layer) % 6 === 0 ? 0.75 : layer === 3 ? nan : 0,
  ),
}));
const residency = { title: 'Layers of tiny', layers, windows };

const bandwidth = {
  title: 'Bandwidth of tiny',
  windows: Array.from({ length: 30 }, (_, index) => ({
    startMs: 200 + index * 50,
    endMs: 250 + index * 50,
    readBytes: MIB * (60 + 20 * Math.sin(index / 3)),
    computedBytes: MIB * (150 + 30 * Math.cos(index / 4)),
  })),
  limits: [
    { name: 'disk', bytesPerSecond: 2000 * MIB, source: 'measured' },
    { name: 'memory', bytesPerSecond: 30_000 * MIB, source: 'measured' },
  ] as const,
};

describe('figures of loading', () => {
  test('are drawn as their golden files show', async () => {
    await expectGolden('lanes', lanesOf(2));
    await expectGolden('layer-residency', layerResidencyFigure(residency));
    await expectGolden('bandwidth', bandwidthFigure(bandwidth));
  });

  test('nothing, very little, and what is no number can be drawn', async () => {
    const span = { lane: 'read', layer: 'a', bytes: nan } as const;
    const figures = [
      lanesFigure({ spans: [], passes: [], fromMs: 0, toMs: 0 }),
      lanesFigure({ spans: [], passes: [], fromMs: Infinity, toMs: -Infinity }),
      lanesFigure({ spans: [{ ...span, startMs: nan, endMs: 1 }], passes: [nan], fromMs: 0, toMs: 2 }),
      lanesFigure({ spans: [{ ...span, startMs: 0, endMs: 1 }], passes: [], fromMs: 0, toMs: 1 }),
      layerResidencyFigure({ layers: [], windows: [] }),
      layerResidencyFigure({ layers, windows: [] }),
      layerResidencyFigure({ layers, windows: [{ startMs: 0, endMs: 1, shares: [nan, Infinity, -1, 7] }] }),
      layerResidencyFigure({
        layers: [{ name: 'a', bytes: nan }],
        windows: [{ startMs: nan, endMs: 1, shares: [1] }],
      }),
      bandwidthFigure({ windows: [], limits: [] }),
      bandwidthFigure({ windows: [], limits: bandwidth.limits }),
      bandwidthFigure({
        windows: [{ startMs: 0, endMs: 0, readBytes: 1, computedBytes: 1 }],
        limits: [{ name: 'disk', bytesPerSecond: nan, source: '' }],
      }),
      bandwidthFigure({ windows: [{ startMs: 0, endMs: 1, readBytes: nan, computedBytes: -1 }], limits: [] }),
    ];
    for (const figure of figures) {
      expect(JSON.stringify(figure.spec)).not.toContain('null');
      expect(`${figure}${await figure.toSVG()}`).not.toMatch(/NaN|Infinity|undefined/);
    }
  });

  test('names cannot bring markup into a picture', async () => {
    const evil = '<b>&';
    const figures = [
      lanesFigure({
        title: evil,
        spans: [{ lane: 'read', layer: evil, startMs: 0, endMs: 1, bytes: 1 }],
        passes: [],
        fromMs: 0,
        toMs: 1,
      }),
      layerResidencyFigure({
        title: evil,
        layers: [{ name: evil, bytes: 1 }],
        windows: [{ startMs: 0, endMs: 1, shares: [1] }],
      }),
      bandwidthFigure({
        title: evil,
        windows: [{ startMs: 0, endMs: 1, readBytes: 1, computedBytes: 1 }],
        limits: [{ name: 'disk', bytesPerSecond: 1, source: evil }],
      }),
    ];
    for (const figure of figures) {
      expect(JSON.stringify(figure.spec)).not.toMatch(/<b>/);
      expect(await figure.toSVG()).not.toMatch(/<b>/);
    }
  });
});

describe('lanes', () => {
  test('reads that are under way together lie in rows of their own, and a lane is no higher for it', () => {
    const read = traceOf(lanesOf(1), 'read');
    const tops = new Set(read.base);
    expect(tops.size).toBe(2);
    expect(Math.max(...read.y.map((height, index) => read.base[index]! + height))).toBeLessThanOrEqual(2);
    expect(new Set(traceOf(lanesOf(1), 'compute').base).size).toBe(1);
  });

  test('the summary says how much of the reading went on beside computing, and how long computing waited', () => {
    // Of the 4 ms of each read, computing goes on in the first 1.5 ms, and in none of the 2.5 ms of its stall.
    expect(String(lanesOf(2))).toBe(
      'lanes: 2 passes, 44 ms: 32.0 MiB read, 38% of that time while computing, stalled 45% of the time',
    );
  });

  test('much work is a bounded number of marks, which together cover what they stand for, and the summary says so', () => {
    const figure = lanesOf(400);
    const marks = (figure.spec.data as Trace[]).reduce((sum, { x }) => sum + x.length, 0);
    expect(marks).toBeLessThanOrEqual(600);
    expect(marks).toBeGreaterThan(100);
    expect(String(figure)).toContain('is joined');
    const read = traceOf(figure, 'read');
    expect(read.text.some((text) => /^layers\.\d( to layers\.\d)?: [\d,]+ reads, /.test(text))).toBe(true);
    const counted = read.text.map((text) => Number(/([\d,]+) reads/.exec(text)?.[1]?.replace(',', '') ?? 1));
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(400 * 8);
  });

  test('a window cuts what reaches beyond it', () => {
    const spans = [{ lane: 'read', layer: 'a', startMs: 0, endMs: 100, bytes: 1 }] as const;
    const { x, width } = traceOf(lanesFigure({ spans, passes: [5], fromMs: 40, toMs: 60 }), 'read');
    expect([x, width]).toEqual([[10], [20]]);
  });

  test('events that are missing are said', () => {
    const { spans, passes, endMs } = streamingPasses(1);
    const figure = lanesFigure({ spans, passes, fromMs: 100, toMs: endMs, lost: 1234 });
    expect(String(figure)).toContain('; 1,234 events lost');
  });
});

describe('layers in memory', () => {
  test('neighbours of one shade are one rectangle, and what is absent or unknown is none', () => {
    const { y, width } = traceOf(layerResidencyFigure(residency), 'resident');
    expect(width.filter((each) => each === 200)).toHaveLength(2);
    expect(y.length).toBeLessThan(20);
  });

  test('very many layers and windows are means of neighbours, by bytes', () => {
    const many = Array.from({ length: 1000 }, (_, index) => ({
      name: `layers.${index}`,
      bytes: index % 2 ? 3 : 1,
    }));
    const shares = many.map((_, index) => index % 2);
    const long = Array.from({ length: 512 }, (_, index) => ({ startMs: index, endMs: index + 1, shares }));
    const figure = layerResidencyFigure({ layers: many, windows: long });
    expect(layoutOf(figure).yaxis.ticktext!.length).toBeLessThanOrEqual(48);
    expect(traceOf(figure, 'resident').text[0]).toBe(
      'layers.0 to layers.20: 75% resident, 0.00 ms to 512 ms',
    );
  });
});

describe('bandwidth', () => {
  test('a limit near the data is a line with its source, one far above is said', () => {
    const { annotations, shapes, yaxis } = layoutOf(bandwidthFigure(bandwidth));
    expect(shapes.map(({ label }) => label!.text)).toEqual(['disk 2.0 GiB/s (measured)']);
    expect(annotations.map(({ text }) => text)).toEqual(['↑ far above: memory 29.3 GiB/s (measured)']);
    expect(yaxis.range[1]).toBeLessThan(8);
  });

  test('the lines are bytes over time: their area is what was read', () => {
    const { x, y } = traceOf(bandwidthFigure(bandwidth), 'read');
    const area = x.slice(1).reduce((sum, end, index) => sum + (end - x[index]!) * y[index]!, 0);
    const bytes = bandwidth.windows.reduce((sum, { readBytes }) => sum + readBytes, 0);
    expect(area * 2 ** 30).toBeCloseTo(bytes, -6);
  });

  test('many windows are joined without losing a byte', () => {
    const long = Array.from({ length: 1020 }, (_, index) => ({
      startMs: index,
      endMs: index + 1,
      readBytes: MIB,
      computedBytes: 2 * MIB,
    }));
    const figure = bandwidthFigure({ windows: long, limits: [] });
    expect(traceOf(figure, 'read').x.length).toBeLessThanOrEqual(61);
    expect(new Set(traceOf(figure, 'read').y).size).toBe(1);
    expect(String(figure)).toBe('bandwidth: over 1.02 s read 1000.0 MiB/s; computed with 2.0 GiB/s');
  });
});
