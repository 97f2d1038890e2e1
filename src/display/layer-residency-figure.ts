/** Which layers are in memory when: a row for each layer, a column for each stretch of time, the darker the more of it is resident. */
import { formatBytes, formatCount, formatDuration } from '../units';
import { Figure } from './figure';
import { plotlyAxis, plotlyLayout, plotlyText } from './layout';
import { clearShade, clearShades, RESIDENT } from './palette';
import { type Rectangle, rectangleMark, rectangleTrace } from './rectangles';
import { finite, momentIn, timeUnit, type Unit } from './scale';
import { drawSvg, type Plot, type PlotOptions } from './svg';
import { clip, percent, plural } from './wording';

export interface ResidentLayer {
  readonly name: string;
  readonly bytes: number;
}

/** A stretch of time. */
export interface ResidencyWindow {
  readonly startMs: number;
  readonly endMs: number;
  /** by layer: of its bytes, the mean share that was in memory, from 0 to 1; NaN where it is not known */
  readonly shares: readonly number[];
}

export interface LayerResidency {
  readonly title?: string;
  readonly layers: readonly ResidentLayer[];
  /** in the order of time */
  readonly windows: readonly ResidencyWindow[];
}

interface Cell extends Rectangle {
  readonly share: number;
  readonly label: string;
}

interface DrawnResidency {
  readonly title: string;
  readonly summary: string;
  readonly rows: readonly string[];
  readonly cells: readonly Cell[];
  readonly spanMs: number;
}

/** Rows and columns beyond these are joined with their neighbours. */
const MOST_ROWS = 48;
const MOST_COLUMNS = 160;
/** Shares are drawn in so many steps; neighbours of one step are one rectangle. */
const STEPS = 20;
const ROW_HEIGHT = 12;
const LONGEST_NAME = 30;
const NAME_WIDTH = 190;

/**
 * Draws the share of each layer that is in memory over time. Many layers, and many windows, are joined with their neighbours.
 *
 * @example
 * ```ts
 * const figure = layerResidencyFigure({
 *   layers: [{ name: 'layers.0', bytes: 1048576 }, { name: 'layers.1', bytes: 3145728 }],
 *   windows: [{ startMs: 0, endMs: 10, shares: [1, 0] }, { startMs: 10, endMs: 20, shares: [1, 0.5] }],
 * });
 * String(figure); // 'residency: 2 layers over 20 ms; 1.8 MiB of 4.0 MiB resident on average, 1 whole at the end'
 * ```
 */
export function layerResidencyFigure(residency: LayerResidency): Figure {
  const drawn = prepare(residency);
  const time = timeUnit(drawn.spanMs);
  return new Figure(
    spec(drawn, time),
    () => drawSvg((plot) => svg(plot, drawn, time), drawn, legend()),
    () => `residency: ${drawn.summary}`,
  );
}

function prepare({ title, layers, windows: given }: LayerResidency): DrawnResidency {
  const windows = given.filter(({ startMs, endMs }) => startMs < endMs && Number.isFinite(endMs - startMs));
  const start = windows[0]?.startMs ?? 0;
  const spanMs = (windows.at(-1)?.endMs ?? start) - start;
  const rows = grouped(layers.length, MOST_ROWS);
  const columns = grouped(windows.length, MOST_COLUMNS);
  const names = rows.map(({ from, to }) => nameOf(layers.slice(from, to)));
  const cells = rows.flatMap((row, index) => {
    const means = columns.map((column) => meanOf(layers, windows, row, column));
    return runsOf(means).map(({ from, to, share }) => {
      const startMs = windows[columns[from]!.from]!.startMs - start;
      const endMs = windows[columns[to - 1]!.to - 1]!.endMs - start;
      const label = `${names[index]}: ${percent(share)} resident, ${formatDuration(startMs)} to ${formatDuration(endMs)}`;
      return {
        x1: startMs,
        x2: endMs,
        y1: index + 0.06,
        y2: index + 0.94,
        color: RESIDENT,
        opacity: share,
        share,
        label,
      };
    });
  });
  return {
    title: title ?? 'Layers in memory',
    summary: summarize(layers, windows, spanMs),
    rows: names,
    cells,
    spanMs,
  };
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Neighbours in groups of one size, so that there are at most so many. */
function grouped(count: number, most: number): Range[] {
  const size = Math.ceil(count / most) || 1;
  return Array.from({ length: Math.ceil(count / size) }, (_, index) => ({
    from: index * size,
    to: Math.min(count, (index + 1) * size),
  }));
}

function nameOf(layers: readonly ResidentLayer[]): string {
  const [first, last] = [layers[0]!.name, layers.at(-1)!.name];
  return layers.length === 1 ? first : `${first} to ${last}`;
}

/** By bytes and time; NaN where nothing is known. */
function meanOf(
  layers: readonly ResidentLayer[],
  windows: readonly ResidencyWindow[],
  row: Range,
  column: Range,
): number {
  let resident = 0;
  let whole = 0;
  for (let w = column.from; w < column.to; w++) {
    const { startMs, endMs, shares } = windows[w]!;
    for (let layer = row.from; layer < row.to; layer++) {
      const share = shares[layer] ?? Number.NaN;
      if (!Number.isFinite(share)) continue;
      const weight = finite(layers[layer]!.bytes) * (endMs - startMs);
      resident += weight * Math.min(1, finite(share));
      whole += weight;
    }
  }
  return whole > 0 ? resident / whole : Number.NaN;
}

/** Neighbours of one shade as one, without those of which nothing is resident or known. */
function runsOf(means: readonly number[]): (Range & { share: number })[] {
  const steps = means.map((mean) => (Number.isFinite(mean) ? Math.ceil(mean * STEPS) : 0));
  const runs: (Range & { share: number })[] = [];
  for (let from = 0, to = 0; from < steps.length; from = to) {
    while (to < steps.length && steps[to] === steps[from]) to++;
    if (steps[from]! > 0) runs.push({ from, to, share: steps[from]! / STEPS });
  }
  return runs;
}

function summarize(
  layers: readonly ResidentLayer[],
  windows: readonly ResidencyWindow[],
  spanMs: number,
): string {
  if (windows.length === 0) return 'nothing seen yet';
  const ever = { from: 0, to: windows.length };
  const means = layers.map((_, layer) => meanOf(layers, windows, { from: layer, to: layer + 1 }, ever));
  const all = layers.reduce((sum, { bytes }) => sum + finite(bytes), 0);
  const resident = layers.reduce((sum, { bytes }, layer) => sum + finite(bytes) * finite(means[layer]), 0);
  const whole = windows.at(-1)!.shares.filter((share) => share > 1 - 1e-9).length;
  const size = `${formatBytes(resident)} of ${formatBytes(all)} resident on average`;
  return `${plural(layers.length, 'layer')} over ${formatDuration(spanMs)}; ${size}, ${formatCount(whole)} whole at the end`;
}

function heightOf({ rows }: DrawnResidency): number {
  return Math.max(260, 150 + ROW_HEIGHT * rows.length);
}

function spec(drawn: DrawnResidency, time: Unit) {
  const { cells, rows, spanMs, summary, title } = drawn;
  const shares = cells.map(({ share }) => share);
  const trace = rectangleTrace(
    cells.map((cell) => ({ ...cell, x1: momentIn(cell.x1, time), x2: momentIn(cell.x2, time) })),
    {
      name: 'resident',
      text: cells.map(({ label }) => plotlyText(label)),
      hovertemplate: '%{text}<extra></extra>',
      marker: {
        color: shares,
        colorscale: clearShades(),
        cmin: 0,
        cmax: 1,
        line: { width: 0 },
        showscale: true,
        colorbar: { thickness: 12, outlinewidth: 0, title: { text: 'resident' }, tickformat: '.0%' },
      },
    },
  );
  const layout = plotlyLayout(title, summary, {
    height: heightOf(drawn),
    xaxis: plotlyAxis(`time (${time.name})`, {
      range: [0, momentIn(spanMs, time) || 1],
      showgrid: false,
      zeroline: false,
    }),
    yaxis: plotlyAxis('', {
      range: [rows.length || 1, 0],
      tickmode: 'array',
      tickvals: rows.map((_, index) => index + 0.5),
      ticktext: rows.map((name) => plotlyText(clip(name, LONGEST_NAME))),
      tickfont: { size: 9 },
      showgrid: false,
      zeroline: false,
    }),
    barmode: 'overlay',
    hovermode: 'closest',
    showlegend: false,
    uirevision: 'layer residency',
    annotations: cells.length === 0 ? [emptyNote()] : [],
  });
  return { data: [trace], layout };
}

const EMPTY = 'nothing resident';

function emptyNote(): object {
  return { text: EMPTY, showarrow: false, xref: 'paper', yref: 'paper', x: 0.5, y: 0.5 };
}

function svg(plot: Plot, drawn: DrawnResidency, time: Unit): PlotOptions {
  const { cells, rows, spanMs } = drawn;
  const inTime = cells.map((cell) => ({ ...cell, x1: momentIn(cell.x1, time), x2: momentIn(cell.x2, time) }));
  return {
    height: heightOf(drawn),
    marginLeft: NAME_WIDTH,
    marginBottom: 56,
    x: { domain: [0, momentIn(spanMs, time) || 1] },
    y: { domain: [rows.length || 1, 0] },
    color: { type: 'identity' },
    marks: [
      rectangleMark(plot, inTime),
      plot.axisX({ ticks: 8, label: null }),
      plot.axisY(
        rows.map((_, index) => index + 0.5),
        {
          tickFormat: (at: number) => clip(rows[Math.floor(at)]!, LONGEST_NAME),
          tickSize: 0,
          fontSize: 9,
          label: null,
        },
      ),
      plot.text([`time (${time.name})`], { frameAnchor: 'bottom', dy: 36 }),
      ...(cells.length === 0 ? [plot.text([EMPTY], { frameAnchor: 'middle' })] : []),
    ],
  };
}

const LEGEND_SHARES = [1, 0.75, 0.5, 0.25];

function legend() {
  return LEGEND_SHARES.map((share) => ({ name: percent(share), color: clearShade(share) }));
}
