/** Where a model's tensors are: a row for each, a column for each moment or for each part of them. */
import { Figure } from './figure';
import { plotlyAxis, plotlyLayout, plotlyText } from './layout';
import { FAINT, RESIDENCY } from './palette';
import { type Rectangle, rectangleMark, rectangleTrace } from './rectangles';
import { finite } from './scale';
import { drawSvg, type Plot, type PlotOptions } from './svg';
import { clip, percent } from './wording';

/** `viewed`: memory of ours that a view shows; `cached`: memory of ours; `evicted`: was in memory when it was looked at before. */
export type ResidencyState = 'viewed' | 'cached' | 'page cache' | 'evicted' | 'on disk';

export interface ResidencyCell {
  readonly state: ResidencyState;
  /** of its pages that are in the page cache, from 0 to 1 */
  readonly share: number;
}

export interface ResidencyMap {
  readonly title: string;
  readonly summary: string;
  /** tensors or layers */
  readonly rows: readonly string[];
  /** what the columns are, e.g. `time (s)` */
  readonly across: string;
  readonly columns: readonly string[];
  /** by row */
  readonly cells: readonly (readonly ResidencyCell[])[];
}

const STATES: readonly ResidencyState[] = ['viewed', 'cached', 'page cache', 'evicted', 'on disk'];
/** How little of a tensor in the page cache still shows. */
const FAINTEST = 0.3;
/** More columns than these touch each other. */
const MOST_APART = 24;
const ROW_HEIGHT = 15;
const LONGEST_NAME = 38;
const NAME_WIDTH = 250;

/**
 * Draws a cell for each row and column, coloured by state; the fewer pages the page cache has, the paler.
 *
 * @example
 * ```ts
 * const cells = [[{ state: 'on disk', share: 0 }, { state: 'page cache', share: 0.5 }]];
 * const figure = residencyFigure({
 *   title: 'Residency', summary: '1 tensor', rows: ['norm'], across: 'look', columns: ['1', '2'], cells,
 * });
 * String(figure); // 'Residency: 1 tensor'
 * ```
 */
export function residencyFigure(map: ResidencyMap): Figure {
  return new Figure(
    spec(map),
    () =>
      drawSvg(
        (plot) => svg(plot, map),
        map,
        STATES.map((state) => ({ name: state, color: colorOf(state) })),
      ),
    () => `${map.title}: ${map.summary}`,
  );
}

function colorOf(state: ResidencyState): string {
  return state === 'on disk' ? FAINT : RESIDENCY[state];
}

interface Cell extends Rectangle, ResidencyCell {
  readonly row: string;
  readonly column: string;
}

function cellsOf({ cells, columns, rows }: ResidencyMap): Cell[] {
  const gap = columns.length > MOST_APART ? 0 : 0.04;
  return cells.flatMap((row, i) =>
    row.map(({ share, state }, j) => ({
      state,
      share: finite(share),
      row: rows[i]!,
      column: columns[j]!,
      x1: j + gap,
      x2: j + 1 - gap,
      y1: i + 0.08,
      y2: i + 0.92,
      color: colorOf(state),
      opacity: state === 'page cache' ? FAINTEST + (1 - FAINTEST) * finite(share) : 1,
    })),
  );
}

/** Of the labels every so many, that they do not lie over each other. */
function ticksOf(columns: readonly string[]): number[] {
  const step = Math.ceil(columns.length / 12);
  return columns.map((_, index) => index).filter((index) => index % step === 0);
}

function spec(map: ResidencyMap) {
  const cells = cellsOf(map);
  const data = STATES.map((state) => {
    const own = cells.filter((cell) => cell.state === state);
    return rectangleTrace(own, {
      name: state,
      text: own.map(({ row, column, share }) =>
        plotlyText(`${row}, ${column}: ${state}, ${percent(share)} in the page cache`),
      ),
      hovertemplate: '%{text}<extra></extra>',
      marker: { color: colorOf(state), opacity: own.map(({ opacity }) => opacity), line: { width: 0 } },
    });
  });
  const ticks = ticksOf(map.columns);
  const layout = plotlyLayout(map.title, map.summary, {
    height: heightOf(map),
    xaxis: plotlyAxis(map.across, {
      range: [0, map.columns.length || 1],
      tickmode: 'array',
      tickvals: ticks.map((index) => index + 0.5),
      ticktext: ticks.map((index) => plotlyText(map.columns[index]!)),
      showgrid: false,
      zeroline: false,
    }),
    yaxis: plotlyAxis('', {
      range: [map.rows.length || 1, 0],
      tickmode: 'array',
      tickvals: map.rows.map((_, index) => index + 0.5),
      ticktext: map.rows.map((name) => plotlyText(clip(name, LONGEST_NAME))),
      tickfont: { size: 10 },
      showgrid: false,
      zeroline: false,
    }),
    barmode: 'overlay',
    showlegend: true,
    legend: { traceorder: 'normal' },
    uirevision: 'residency',
  });
  return { data, layout };
}

function heightOf({ rows }: ResidencyMap): number {
  return Math.max(260, 150 + ROW_HEIGHT * rows.length);
}

function svg(plot: Plot, map: ResidencyMap): PlotOptions {
  const cells = cellsOf(map);
  const ticks = ticksOf(map.columns);
  const middle = (index: number) => index + 0.5;
  return {
    height: heightOf(map),
    marginLeft: NAME_WIDTH,
    marginBottom: 56,
    x: { domain: [0, map.columns.length || 1] },
    y: { domain: [map.rows.length || 1, 0] },
    color: { type: 'identity' },
    marks: [
      rectangleMark(plot, cells),
      plot.axisX(ticks.map(middle), {
        tickFormat: (at: number) => map.columns[Math.floor(at)]!,
        tickSize: 0,
        label: null,
      }),
      plot.axisY(
        map.rows.map((_, index) => middle(index)),
        {
          tickFormat: (at: number) => clip(map.rows[Math.floor(at)]!, LONGEST_NAME),
          tickSize: 0,
          fontSize: 10,
          label: null,
        },
      ),
      plot.text([map.across], { frameAnchor: 'bottom', dy: 36 }),
    ],
  };
}
