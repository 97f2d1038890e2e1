import { describe, expect, test } from 'vitest';
import { linesFigure } from '../../src/display';
import { expectGolden } from './golden';

const speed = {
  title: 'Speed by budget',
  x: 'budget (% of the model)',
  y: 'tokens per second',
  lines: [
    { name: 'measured', points: [15, 25, 50, 75, 100].map((share) => [share, 200 / (110 - share)] as const) },
    { name: 'what the disk allows', points: [[15, 2.4] as const, [100, 25] as const], dashed: true },
  ],
};

describe('lines', () => {
  test('are drawn as their golden files show', async () => {
    await expectGolden('lines', linesFigure(speed));
    expect(String(linesFigure(speed))).toBe(
      'Speed by budget: measured from 2.11 to 20, what the disk allows from 2.4 to 25',
    );
  });

  test('nothing, one point, too many lines, and what is no number can be drawn', async () => {
    const line = { name: '<b>&', points: [[1, 2]] as const };
    const figures = [
      linesFigure({ ...speed, lines: [] }),
      linesFigure({
        ...speed,
        lines: [
          {
            name: 'a',
            points: [
              [Number.NaN, 1],
              [1, Infinity],
              [0, 0],
            ],
          },
        ],
      }),
      linesFigure({ ...speed, title: '<b>&', x: '<b>&', y: '<b>&', summary: '<b>&', lines: [line] }),
      linesFigure({ ...speed, lines: Array(20).fill(line) }),
    ];
    for (const figure of figures) {
      expect(JSON.stringify(figure.spec)).not.toMatch(/null|<b>/);
      expect(await figure.toSVG()).not.toMatch(/NaN|Infinity|undefined|<b>/);
    }
    expect(figures[3]!.spec.data).toHaveLength(8);
    expect(String(figures[3])).toContain('; 12 lines more');
  });
});
