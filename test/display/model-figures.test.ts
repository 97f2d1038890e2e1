/** Figures of a model's weights: areas, colours of matrices, distributions, and where pages are. */
import { describe, expect, test } from 'vitest';
import {
  distributionFigure,
  type Figure,
  heatMapFigure,
  type ResidencyCell,
  residencyFigure,
  type TreemapPart,
  treemapFigure,
} from '../../src/display';
import { expectGolden } from './golden';

const MIB = 2 ** 20;

const parts = (blocks: number): TreemapPart[] => [
  { layer: 'embedding', kind: 'embedding', dtype: 'Q6_K', bytes: 6 * MIB },
  ...Array.from({ length: blocks }, (_, index) => [
    { layer: `layers.${index}.attention`, kind: 'attention', dtype: 'Q4_K', bytes: 2 * MIB },
    { layer: `layers.${index}.attention`, kind: 'attention', dtype: 'F32', bytes: 0.2 * MIB },
    { layer: `layers.${index}.feed_forward`, kind: 'feed_forward', dtype: 'Q4_K', bytes: 4 * MIB },
  ]).flat(),
  { layer: 'norm', kind: 'norm', dtype: 'F32', bytes: 2048 },
  { layer: 'output', kind: 'output', dtype: 'Q6_K', bytes: 6 * MIB },
];

const wave = (rows: number, columns: number) =>
  Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) => Math.sin(i / 3) * Math.cos(j / 4) * 0.05),
  );

const bins = Array.from({ length: 24 }, (_, index) => ({
  from: -0.12 + index * 0.01,
  to: -0.11 + index * 0.01,
  count: Math.round(1000 * Math.exp(-(((index - 12) / 5) ** 2))),
}));

const cells: ResidencyCell[][] = [
  ['on disk', 'page cache', 'page cache', 'evicted'],
  ['on disk', 'on disk', 'cached', 'cached'],
  ['page cache', 'page cache', 'viewed', 'evicted'],
].map((row) =>
  row.map((state, index) => ({
    state: state as ResidencyCell['state'],
    share: state === 'page cache' ? (index + 1) / 3 : 0,
  })),
);

const residency = {
  title: 'Residency of tiny',
  summary: '3 tensors',
  rows: [
    'model.embed_tokens.weight',
    'model.layers.0.self_attn.q_proj.weight.that.is.long',
    'lm_head.weight',
  ],
  across: 'time of look (s)',
  columns: ['0.0', '0.4', '0.9', '1.3'],
  cells,
};

describe('figures of weights', () => {
  test('are drawn as their golden files show', async () => {
    await expectGolden('treemap', await treemapFigure(parts(4)));
    await expectGolden(
      'heat-map',
      heatMapFigure({ title: 'q_proj', means: wave(6, 8), rows: 600, columns: 800, notes: 'std 0.02' }),
    );
    await expectGolden('distribution', distributionFigure({ title: 'q_proj', bins, notes: 'mean 0' }));
    await expectGolden('residency', residencyFigure(residency));
  });

  test('areas are in proportion to bytes', async () => {
    const { data } = (await treemapFigure(parts(4))).spec;
    const area = (name: string) => {
      const trace = data.find((each) => (each as { name: string }).name === name) as {
        width: number[];
        y: number[];
      };
      return trace.width.reduce((sum, width, index) => sum + width * trace.y[index]!, 0);
    };
    expect(area('feed_forward') / area('embedding')).toBeCloseTo(16 / 6, 3);
    expect(area('attention') / area('output')).toBeCloseTo(8.8 / 6, 3);
  });

  test('nothing, very little, very much, and what is no number can be drawn', async () => {
    const nan = Number.NaN;
    const figures: Figure[] = [
      await treemapFigure([]),
      await treemapFigure(parts(100)),
      await treemapFigure([{ layer: 'a', kind: 'norm', dtype: 'F32', bytes: nan }]),
      heatMapFigure({ title: 'none', means: [], rows: 0, columns: 0 }),
      heatMapFigure({
        title: 'nan',
        means: [
          [nan, 1e-30],
          [Number.POSITIVE_INFINITY, 0],
        ],
        rows: 2,
        columns: 2,
      }),
      heatMapFigure({ title: 'zero', means: [[0]], rows: 1, columns: 1 }),
      distributionFigure({ title: 'none', bins: [] }),
      distributionFigure({ title: 'one', bins: [{ from: 3, to: 3, count: 7 }] }),
      distributionFigure({ title: 'nan', bins: [{ from: nan, to: nan, count: 7 }] }),
      residencyFigure({ ...residency, rows: [], columns: [], cells: [] }),
    ];
    for (const figure of figures) {
      expect(JSON.stringify(figure.spec)).not.toContain('null');
      expect(await figure.toSVG()).not.toMatch(/NaN|undefined/);
    }
  });

  test('names cannot bring markup into a picture', async () => {
    const evil = '<b>&';
    const figures: Figure[] = [
      await treemapFigure([{ layer: evil, kind: evil, dtype: evil, bytes: 100 }], evil),
      heatMapFigure({ title: evil, means: [[1]], rows: 1, columns: 1, notes: evil }),
      distributionFigure({ title: evil, bins, notes: evil }),
      residencyFigure({
        ...residency,
        title: evil,
        rows: [evil, evil, evil],
        columns: [evil, evil, evil, evil],
      }),
    ];
    for (const figure of figures) {
      expect(JSON.stringify(figure.spec)).not.toMatch(/<b>/);
      expect(await figure.toSVG()).not.toMatch(/<b>/);
    }
  });

  test('the notes of a tensor say what its picture leaves out', () => {
    const figure = heatMapFigure({ title: 'q', means: wave(4, 4), rows: 40, columns: 40, notes: '2 NaN' });
    expect(String(figure)).toBe('q: 4 × 4 blocks of 10 × 10, from 0 to 0.0421; 2 NaN');
  });
});
