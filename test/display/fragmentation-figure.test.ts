import { describe, expect, test } from 'vitest';
import { type FragmentationMap, fragmentationFigure, type MemorySpan } from '../../src/display';
import { boundMap, rowsOf } from '../../src/display/fragmentation-map';
import { expectGolden } from './golden';
import { mapOf, patchyMap } from './maps';

interface Trace {
  name: string;
  base: number[];
  x: number[];
  y: number[];
  text: string[];
}
const traces = (map: FragmentationMap) => fragmentationFigure(map).spec.data as Trace[];
const trace = (map: FragmentationMap, name: string) => traces(map).find((each) => each.name === name)!;
const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
const bytesOf = (spans: readonly MemorySpan[], state: string) =>
  sum(spans.filter((span) => span.state === state).map(({ bytes }) => bytes));

describe('a map of fragmentation', () => {
  test('a patchy heap is drawn as its golden files show', async () => {
    await expectGolden(
      'fragmentation',
      fragmentationFigure({ ...patchyMap(60), title: 'Fragmentation of cache' }),
    );
  });

  test('the text says the holes, the largest of them, what is free, and how fragmented that is', () => {
    const map = mapOf([
      { offset: 0, bytes: 2 ** 20, state: 'free' },
      { offset: 2 ** 20, bytes: 64, state: 'used' },
      { offset: 2 ** 20 + 64, bytes: 2 ** 21, state: 'free' },
    ]);
    const figure = fragmentationFigure(map);
    expect(String(figure)).toBe('fragmentation: 2 holes, largest 2.0 MiB of 3.0 MiB free, external 33%');
    expect(String(fragmentationFigure(mapOf([{ offset: 0, bytes: 64, state: 'used' }])))).toBe(
      'fragmentation: no holes in 64 B',
    );
    expect(String(fragmentationFigure(mapOf([])))).toBe('fragmentation: nothing reserved');
  });

  test('one hole of 16 bytes in a gibibyte is wide enough to be seen', () => {
    const half = 2 ** 29;
    const map = mapOf([
      { offset: 0, bytes: half, state: 'used', tag: 'rows' },
      { offset: half, bytes: 16, state: 'free' },
      { offset: half + 16, bytes: half - 16, state: 'used', tag: 'rows' },
    ]);
    const { x, text } = trace(map, 'free');
    expect(x).toHaveLength(1);
    // A row is 64 MiB wide.
    expect(x[0]! / 64).toBeGreaterThan(1 / 400);
    expect(text).toEqual(['free, 16 B at 512.0 MiB']);
  });

  test('a map of 300,000 spans is a bounded picture with the same bytes of each state', () => {
    const map = patchyMap(300_000);
    const drawn = rowsOf(map.spans).rows.flatMap(({ cells }) => cells.flat());
    expect(drawn.length).toBeLessThanOrEqual(3 * 64 * 17);
    for (const state of ['used', 'free', 'reserved'])
      expect(bytesOf(drawn, state)).toBe(bytesOf(map.spans, state));
    expect(sum(traces(map).map(({ x }) => x.length))).toBeLessThanOrEqual(drawn.length);
    expect(String(fragmentationFigure(map))).toContain('100,000 holes');
  });

  test('a thinned map tells the same as the whole one', () => {
    const map = patchyMap(300_000);
    const bound = boundMap(map);
    expect(bound.spans.length).toBeLessThan(4000);
    expect(String(fragmentationFigure(bound))).toBe(String(fragmentationFigure(map)));
    expect(boundMap(bound).holes).toBe(100_000);
    const short = patchyMap(100);
    expect(boundMap(short)).toBe(short);
  });

  test('strips of a row lie beside each other, not over each other', () => {
    for (const map of [patchyMap(60), patchyMap(5000)]) {
      const rows = new Map<number, [number, number][]>();
      for (const { base, x, y } of traces(map)) {
        y.forEach((row, index) => {
          rows.set(row, [...(rows.get(row) ?? []), [base[index]!, base[index]! + x[index]!]]);
        });
      }
      expect(rows.size).toBeGreaterThan(8);
      for (const strips of rows.values()) {
        strips.sort((one, two) => one[0] - two[0]);
        const gaps = strips.slice(1).map(([from], index) => from - strips[index]![1]);
        // To the five digits that are written.
        for (const gap of gaps) expect(Math.abs(gap)).toBeLessThan(strips.at(-1)![1] * 1e-4);
      }
    }
  });

  test('of many tags the largest have names and colours of their own', () => {
    const names = Array.from({ length: 30 }, (_, index) => `tag ${index}`);
    const shown = traces(patchyMap(2000, names)).map(({ name }) => name);
    expect(shown).toHaveLength(10);
    expect(shown.slice(-3)).toEqual(['other', 'reserved', 'free']);
  });

  test('names cannot bring markup, and sizes that are no numbers nothing at all', async () => {
    const figure = fragmentationFigure({
      title: '<script>',
      spans: [
        { offset: 0, bytes: 64, state: 'used', tag: '<b>' },
        { offset: Number.NaN, bytes: Infinity, state: 'free' },
      ],
      reservedBytes: 64,
      largestFreeBytes: Number.NaN,
      externalFragmentation: Number.NaN,
    });
    const both = JSON.stringify(figure.spec) + (await figure.toSVG());
    expect(both).not.toMatch(/<script|<b>|NaN|Infinity|null/);
  });
});
