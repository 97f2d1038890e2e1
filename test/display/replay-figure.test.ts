import { describe, expect, test } from 'vitest';
import { type Replay, replayFigure } from '../../src/display';
import { expectGolden } from './golden';

const MIB = 2 ** 20;
const row = (
  name: string,
  reserved: number,
  externalFragmentation: number,
  nanosecondsPerOperation: number,
) => ({
  name,
  peakReservedBytes: reserved * MIB,
  peakRequestedBytes: 3 * MIB,
  externalFragmentation,
  nanosecondsPerOperation,
});
const REPLAY: Replay = {
  lowerBoundBytes: 3 * MIB,
  rows: [
    { ...row('static 4 MiB', 4, 0, 5), failed: 'needs 6.2 MiB, has 4.0 MiB' },
    row('pooled, blocks of 4 KiB', 3.9, 0.11, 11.4),
    row('dynamic', 4.6, 0.42, 23.81),
    row('hybrid', 3.4, 0.06, 13),
  ],
};
interface Layout {
  annotations: { text: string }[];
  shapes: { x0: number }[];
  height: number;
}

describe('a replay', () => {
  test('through four strategies is drawn as its golden files show', async () => {
    await expectGolden('replay', replayFigure(REPLAY));
  });

  test('labels say size, ratio, fragmentation and speed, or what a failure would have needed', () => {
    const { annotations, shapes } = replayFigure(REPLAY).spec.layout as Layout;
    expect(annotations.map(({ text }) => text)).toEqual([
      'static 4 MiB: failed, needs 6.2 MiB, has 4.0 MiB',
      'pooled, blocks of 4 KiB: 3.9 MiB, 1.30 times the lower bound, fragmentation 11%, 11.4 ns per operation',
      'dynamic: 4.6 MiB, 1.53 times the lower bound, fragmentation 42%, 23.8 ns per operation',
      'hybrid: 3.4 MiB, 1.13 times the lower bound, fragmentation 6%, 13 ns per operation',
    ]);
    expect(shapes.map(({ x0 }) => x0)).toEqual([3, 3, 3, 3]);
  });

  test('the text names the best of those that came to the end', () => {
    expect(String(replayFigure(REPLAY))).toBe(
      'replay: least reserved by hybrid, 3.4 MiB, 1.13 times the lower bound of 3.0 MiB; 4 configurations, 1 failed',
    );
    const failed = { ...REPLAY, rows: REPLAY.rows.slice(0, 1) };
    expect(String(replayFigure(failed))).toBe('replay: none succeeded; 1 configuration, 1 failed');
    expect(String(replayFigure({ lowerBoundBytes: 0, rows: [] }))).toBe('replay: nothing replayed');
  });

  test('of many configurations draws the first and counts all', () => {
    const rows = Array.from({ length: 1000 }, (_, index) => row(`pooled ${index}`, 5, 0, 1));
    const figure = replayFigure({ lowerBoundBytes: MIB, rows });
    expect((figure.spec.layout as Layout).annotations).toHaveLength(24);
    expect(String(figure)).toContain('1,000 configurations');
  });

  test('names cannot bring markup, and no numbers are drawn as nothing', async () => {
    const odd = { ...row('<script>', Number.NaN, Number.NaN, Number.NaN), failed: '<b>' };
    for (const rows of [[odd, { ...odd, failed: undefined }], []]) {
      const figure = replayFigure({ title: '<i>', lowerBoundBytes: Number.NaN, rows });
      const both = JSON.stringify(figure.spec) + (await figure.toSVG());
      expect(both).not.toMatch(/<script|<b>|<i>|NaN|null/);
    }
  });
});
