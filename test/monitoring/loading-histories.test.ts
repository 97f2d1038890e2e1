/** What a recording keeps of loading: spans from beginnings and ends, what is resident, bytes over time. */
import { describe, expect, test } from 'vitest';
import type { LaneSpan } from '../../src/display';
import { BandwidthHistory } from '../../src/monitoring/bandwidth-history';
import type { EngineEvent } from '../../src/monitoring/events';
import { ResidencyHistory } from '../../src/monitoring/residency-history';
import { SpanHistory } from '../../src/monitoring/span-history';
import { TimeBins } from '../../src/monitoring/time-bins';

const layers = [
  { name: 'embedding', kind: 'embedding', bytes: 1000 },
  { name: 'layers.0', kind: 'attention', bytes: 300 },
];
const memory = { currentBytes: 0, peakBytes: 0, reservedBytes: 0, byTag: [] };
const event = (timeMs: number, kind: EngineEvent['kind'], layer = 1, bytes = 0): EngineEvent => ({
  ...memory,
  timeMs,
  kind,
  layer,
  bytes,
});

function spansOf(events: readonly EngineEvent[], capacity?: number): LaneSpan[] {
  const history = new SpanHistory(layers, undefined, capacity);
  for (const each of events) history.take(each);
  return history.spans;
}
const short = ({ lane, startMs, endMs, bytes }: LaneSpan) => [lane, startMs, endMs, bytes];

describe('spans', () => {
  test('a compute within which the engine stalls is two stretches, with the shares of bytes that they have of the time', () => {
    const spans = spansOf([
      event(0, 'compute begin'),
      event(1, 'stall begin', 1, 50),
      event(5, 'stall end', 1, 50),
      event(7, 'compute end'),
    ]);
    expect(spans.map(short)).toEqual([
      ['stall', 1, 5, 50],
      ['compute', 0, 1, 100],
      ['compute', 5, 7, 200],
    ]);
  });

  test('a stall before a layer begins is in no compute', () => {
    const spans = spansOf([
      event(0, 'stall begin', 1, 50),
      event(2, 'stall end', 1, 50),
      event(2, 'compute begin'),
      event(3, 'compute end'),
    ]);
    expect(spans.map(short)).toEqual([
      ['stall', 0, 2, 50],
      ['compute', 2, 3, 300],
    ]);
  });

  test('of an embedding rows are looked up: it computes with none of its bytes', () => {
    const spans = spansOf([event(0, 'compute begin', 0), event(1, 'compute end', 0)]);
    expect(spans.map(short)).toEqual([['compute', 0, 1, 0]]);
  });

  test('parts of one layer that are read at the same time are told apart by size, and by order where that is equal', () => {
    const spans = spansOf([
      event(0, 'read begin', 1, 100),
      event(1, 'read begin', 1, 200),
      event(2, 'read begin', 1, 100),
      event(3, 'load', 1, 200),
      event(4, 'load', 1, 100),
      event(5, 'load', 1, 100),
    ]);
    expect(spans.map(short)).toEqual([
      ['read', 1, 3, 200],
      ['read', 0, 4, 100],
      ['read', 2, 5, 100],
    ]);
  });

  test('a read that was dropped is none, and the next one begins when it begins', () => {
    const spans = spansOf([
      event(0, 'read begin', 1, 100),
      event(1, 'drop', 1, 100),
      event(500, 'read begin', 1, 100),
      event(501, 'load', 1, 100),
    ]);
    expect(spans.map(short)).toEqual([['read', 500, 501, 100]]);
  });

  test('after a gap nothing lasts across it', () => {
    const history = new SpanHistory(layers);
    for (const kind of ['read begin', 'compute begin', 'stall begin'] as const)
      history.take(event(0, kind, 1, 100));
    history.forgetBegun();
    for (const kind of ['stall end', 'compute end', 'load'] as const) history.take(event(900, kind, 1, 100));
    expect(history.spans).toEqual([]);
  });

  test('of very many spans the newest are kept', () => {
    const events = Array.from({ length: 100 }, (_, time) => [
      event(time, 'compute begin'),
      event(time + 0.5, 'compute end'),
    ]).flat();
    const spans = spansOf(events, 10);
    expect(spans.length).toBeLessThan(20);
    expect(spans.at(-1)!.startMs).toBe(99);
  });
});

describe('amounts over time', () => {
  test('none is lost while windows grow wider, and it stays where it came about', () => {
    const bins = new TimeBins(2, 100, 16, 1);
    for (let time = 0; time < 1000; time++) bins.add(time % 2, 100 + time, 100 + time + 3, 5);
    const list = bins.list(1103);
    expect(list.length).toBeLessThanOrEqual(16);
    for (const row of [0, 1])
      expect(list.reduce((sum, { amounts }) => sum + amounts[row]!, 0)).toBeCloseTo(2500, 6);
    const [first, second] = list;
    expect(first!.endMs).toBe(second!.startMs);
    expect(first!.amounts[0]! / (first!.endMs - first!.startMs)).toBeCloseTo(2.5, 0);
    expect(list.at(-1)!.endMs).toBe(1103);
  });

  test('reads and computes count, stalls do not', () => {
    const history = new BandwidthHistory(0);
    const span = { layer: '', startMs: 0, endMs: 8 };
    history.add({ ...span, lane: 'read', bytes: 80 });
    history.add({ ...span, lane: 'compute', bytes: 8 });
    history.add({ ...span, lane: 'stall', bytes: 8 });
    const windows = history.windows(8);
    expect(windows.map(({ readBytes }) => readBytes)).toEqual([20, 20, 20, 20]);
    expect(windows.map(({ computedBytes }) => computedBytes)).toEqual([2, 2, 2, 2]);
  });
});

describe('residency', () => {
  const sharesOf = (history: ResidencyHistory, untilMs: number) =>
    history.windows(untilMs).map(({ shares }) => shares);

  test('is the mean over each window, from the first look on', () => {
    const history = new ResidencyHistory([100, 200], 0);
    history.look(0, Float64Array.of(100, 0));
    history.change(3, 1, 200);
    history.change(4, 0, -50);
    expect(sharesOf(history, 6)).toEqual([
      [1, 0],
      [1, 0.5],
      [0.5, 1],
    ]);
  });

  test('is not known while events are missing', () => {
    const history = new ResidencyHistory([100], 0);
    history.look(0, Float64Array.of(100));
    history.forget(2);
    history.change(3, 0, -100);
    expect(history.isKnown).toBe(false);
    history.look(5, Float64Array.of(50));
    expect(sharesOf(history, 8)).toEqual([[1], [Number.NaN], [0.5], [0.5]]);
  });
});
