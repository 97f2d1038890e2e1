/** A matrix as a picture: its values, or means of its blocks, as colours. */
import { formatCount } from '../units';
import { Figure } from './figure';
import { plotlyAxis, plotlyLayout } from './layout';
import { shadeOf, shades } from './palette';
import { type Rectangle, rectangleMark, rectangleTrace } from './rectangles';
import { stepOf } from './scale';
import { drawSvg, type Plot, type PlotOptions } from './svg';
import { signed } from './wording';

export interface HeatMap {
  readonly title: string;
  /** means of blocks, by row; NaN where there is none */
  readonly means: readonly (readonly number[])[];
  /** how many rows and columns the matrix has that the blocks cover */
  readonly rows: number;
  readonly columns: number;
  /** said beneath the title */
  readonly notes?: string;
}

interface DrawnHeatMap extends HeatMap {
  readonly summary: string;
  readonly cells: readonly Cell[];
  /** the largest magnitude; colours go from minus it to it, or from 0 where nothing is negative */
  readonly limit: number;
  readonly isSigned: boolean;
}

interface Cell extends Rectangle {
  readonly value: number;
}

/**
 * Draws a cell for each block: blue below zero, orange above.
 *
 * @example
 * ```ts
 * const figure = heatMapFigure({ title: 'identity', means: [[1, 0], [0, 1]], rows: 2, columns: 2 });
 * String(figure); // 'identity: 2 × 2 blocks of 1 × 1, from 0 to 1'
 * ```
 */
export function heatMapFigure(map: HeatMap): Figure {
  const drawn = prepare(map);
  return new Figure(
    spec(drawn),
    () => drawSvg((plot) => svg(plot, drawn), drawn, legend(drawn)),
    () => `${drawn.title}: ${drawn.summary}`,
  );
}

function prepare(map: HeatMap): DrawnHeatMap {
  const { means, rows, columns, notes } = map;
  const values = means.flat().filter(Number.isFinite);
  const [least, most] = [
    values.reduce((a, b) => Math.min(a, b), 0),
    values.reduce((a, b) => Math.max(a, b), 0),
  ];
  const limit = Math.max(-least, most) || 1;
  const down = means.length;
  const across = means[0]?.length ?? 0;
  const isSigned = least < 0;
  const cells = means.flatMap((row, i) =>
    row.map((value, j) => ({
      x1: (j * columns) / across,
      x2: ((j + 1) * columns) / across,
      y1: (i * rows) / down,
      y2: ((i + 1) * rows) / down,
      value: Number.isFinite(value) ? Number(value.toPrecision(3)) : Number.NaN,
      color: shadeOf(value / limit, isSigned),
    })),
  );
  const size = (count: number, blocks: number) => formatCount(Math.ceil(count / (blocks || 1)));
  const range =
    values.length > 0
      ? `from ${signed(Math.min(...values))} to ${signed(Math.max(...values))}`
      : 'no finite values';
  const blocks = `${down} × ${across} blocks of ${size(rows, down)} × ${size(columns, across)}, ${range}`;
  return { ...map, summary: notes ? `${blocks}; ${notes}` : blocks, cells, limit, isSigned };
}

function spec({ cells, columns, isSigned, limit, rows, summary, title }: DrawnHeatMap) {
  const known = cells.filter(({ value }) => !Number.isNaN(value));
  const values = known.map(({ value }) => value);
  const scale = { color: values, colorscale: shades(isSigned), cmin: isSigned ? -limit : 0, cmax: limit };
  const trace = rectangleTrace(known, {
    name: 'mean',
    customdata: values,
    hovertemplate: 'column %{x:.0f}, rows from %{base:.0f}<br>mean %{customdata}<extra></extra>',
    // Without an outline of its own colour, the ground would shine through between cells.
    marker: {
      ...scale,
      line: { width: 0.8, ...scale },
      showscale: true,
      colorbar: { thickness: 12, outlinewidth: 0, title: { text: 'mean' } },
    },
  });
  const axis = (name: string, range: [number, number]) =>
    plotlyAxis(name, {
      range,
      tick0: 0,
      dtick: stepOf(Math.max(...range)),
      showgrid: false,
      zeroline: false,
    });
  const layout = plotlyLayout(title, summary, {
    height: HEIGHT,
    xaxis: axis('column', [0, columns]),
    yaxis: axis('row', [rows, 0]),
    barmode: 'overlay',
    showlegend: false,
    uirevision: 'heat map',
  });
  return { data: [trace], layout };
}

const HEIGHT = 440;

function svg(plot: Plot, { cells, columns, rows }: DrawnHeatMap): PlotOptions {
  return {
    height: HEIGHT,
    marginBottom: 56,
    x: { domain: [0, columns] },
    y: { domain: [rows, 0] },
    color: { type: 'identity' },
    marks: [
      rectangleMark(plot, cells),
      plot.axisX({ ticks: 8, label: null }),
      plot.axisY({ ticks: 8, label: null }),
      plot.text(['column'], { frameAnchor: 'bottom', dy: 36 }),
      plot.text(['row'], { frameAnchor: 'left', rotate: -90, dx: -52, textAnchor: 'middle' }),
      ...(cells.length === 0 ? [plot.text(['no values'], { frameAnchor: 'middle' })] : []),
    ],
  };
}

const LEGEND_STEPS = [1, 0.5, 0, -0.5, -1];

function legend({ cells, isSigned, limit }: DrawnHeatMap) {
  if (cells.length === 0) return [];
  return LEGEND_STEPS.filter((step) => isSigned || step >= 0).map((step) => ({
    name: signed(step * limit),
    color: shadeOf(step, isSigned),
  }));
}
