/** A trace replayed through several strategies: what each of them reserved at most, beside the least that any could. */
import { formatBytes } from '../units';
import { Figure } from './figure';
import { plotlyAxis, plotlyLayout, plotlyText } from './layout';
import { ACTIVE, BOUND, REQUESTED, VERMILION } from './palette';
import { byteUnit, finite, inUnit, largest, type Unit } from './scale';
import { drawSvg, type LegendEntry, type Plot, type PlotOptions } from './svg';
import { clip, percent, plural } from './wording';

/** What became of the trace under one configuration of a strategy. */
export interface ReplayRow {
  readonly name: string;
  /** held from the upstream, at its highest */
  readonly peakReservedBytes: number;
  /** asked for by the live blocks, at its highest */
  readonly peakRequestedBytes: number;
  /** when the most was reserved; from 0 to 1 */
  readonly externalFragmentation: number;
  readonly nanosecondsPerOperation: number;
  /** Why the trace could not be replayed to its end, and what that would have needed. */
  readonly failed?: string;
}

export interface Replay {
  readonly title?: string;
  /** The largest sum of bytes live at once: no strategy can do with less. */
  readonly lowerBoundBytes: number;
  readonly rows: readonly ReplayRow[];
}

interface DrawnRow {
  readonly label: string;
  readonly failed: boolean;
  readonly reserved: number;
  readonly requested: number;
}

interface DrawnReplay {
  readonly title: string;
  readonly summary: string;
  readonly rows: readonly DrawnRow[];
  readonly lowerBoundBytes: number;
  readonly topBytes: number;
}

/** A part of a row of height 1, from its top. */
interface Place {
  readonly from: number;
  readonly to: number;
}

const MOST_ROWS = 24;
const LONGEST_NAME = 40;
const LONGEST_FAILURE = 100;
const BOUND_DASH = '7 4';
const LABEL_AT = 0.2;
const RESERVED_AT: Place = { from: 0.38, to: 0.66 };
const REQUESTED_AT: Place = { from: 0.68, to: 0.86 };

/**
 * Draws for each configuration the peak of reserved bytes over that of requested bytes, and across all of them the lower bound.
 *
 * @example
 * ```ts
 * const row = { peakRequestedBytes: 1048576, externalFragmentation: 0.25, nanosecondsPerOperation: 24 };
 * const figure = replayFigure({
 *   lowerBoundBytes: 1048576,
 *   rows: [
 *     { name: 'dynamic', peakReservedBytes: 1310720, ...row },
 *     { name: 'pooled', peakReservedBytes: 2097152, ...row },
 *   ],
 * });
 * String(figure); // 'replay: least reserved by dynamic, 1.3 MiB, 1.25 times the lower bound of 1.0 MiB; 2 configurations'
 * ```
 */
export function replayFigure(replay: Replay): Figure {
  const drawn = prepareReplay(replay);
  const unit = byteUnit(drawn.topBytes);
  return new Figure(
    replaySpec(drawn, unit),
    () => drawSvg((plot) => replayPlot(plot, drawn, unit), drawn, LEGEND),
    () => `replay: ${drawn.summary}`,
  );
}

const LEGEND: readonly LegendEntry[] = [
  { name: 'lower bound', color: BOUND, line: true, dash: BOUND_DASH },
  { name: 'reserved', color: ACTIVE },
  { name: 'requested', color: REQUESTED },
  { name: 'failed', color: VERMILION },
];

function prepareReplay({ title, lowerBoundBytes, rows }: Replay): DrawnReplay {
  const lowerBound = finite(lowerBoundBytes);
  const drawn = rows.slice(0, MOST_ROWS).map((row) => ({
    label: labelOf(row, lowerBound),
    failed: row.failed !== undefined,
    reserved: finite(row.peakReservedBytes),
    requested: finite(row.peakRequestedBytes),
  }));
  return {
    title: title ?? 'Peak memory by strategy',
    summary: summarize(rows, lowerBound),
    rows: drawn,
    lowerBoundBytes: lowerBound,
    topBytes: Math.max(
      lowerBound,
      largest(drawn, (row) => Math.max(row.reserved, row.requested)),
    ),
  };
}

function labelOf(row: ReplayRow, lowerBound: number): string {
  const name = clip(row.name, LONGEST_NAME);
  if (row.failed !== undefined) return `${name}: failed, ${clip(row.failed, LONGEST_FAILURE)}`;
  const speed = `${Number(finite(row.nanosecondsPerOperation).toPrecision(3))} ns per operation`;
  return `${name}: ${sizeOf(row, lowerBound)}, fragmentation ${percent(row.externalFragmentation)}, ${speed}`;
}

function sizeOf({ peakReservedBytes }: ReplayRow, lowerBound: number): string {
  const reserved = finite(peakReservedBytes);
  const size = formatBytes(reserved);
  return lowerBound > 0 ? `${size}, ${(reserved / lowerBound).toFixed(2)} times the lower bound` : size;
}

function summarize(rows: readonly ReplayRow[], lowerBound: number): string {
  if (rows.length === 0) return 'nothing replayed';
  const done = rows.filter(({ failed }) => failed === undefined);
  const failures = rows.length - done.length;
  const counts = `${plural(rows.length, 'configuration')}${failures ? `, ${failures} failed` : ''}`;
  if (done.length === 0) return `none succeeded; ${counts}`;
  const best = done.reduce((one, two) =>
    finite(two.peakReservedBytes) < finite(one.peakReservedBytes) ? two : one,
  );
  const bound = lowerBound > 0 ? ` of ${formatBytes(lowerBound)}` : '';
  return `least reserved by ${clip(best.name, LONGEST_NAME)}, ${sizeOf(best, lowerBound)}${bound}; ${counts}`;
}

function replaySpec({ lowerBoundBytes, rows, summary, title, topBytes }: DrawnReplay, unit: Unit) {
  const bars = (
    name: string,
    own: readonly number[],
    place: Place,
    bytes: (row: DrawnRow) => number,
    color: string,
  ) => ({
    type: 'bar',
    orientation: 'h',
    name,
    x: own.map((row) => inUnit(bytes(rows[row]!), unit)),
    y: own.map((row) => row + (place.from + place.to) / 2),
    width: place.to - place.from,
    text: own.map((row) => plotlyText(rows[row]!.label)),
    textposition: 'none',
    hovertemplate: '%{text}<extra></extra>',
    marker: { color },
  });
  const indices = [...rows.keys()];
  const done = indices.filter((row) => !rows[row]!.failed);
  const failed = indices.filter((row) => rows[row]!.failed);
  const data = [
    bars('reserved', done, RESERVED_AT, ({ reserved }) => reserved, ACTIVE),
    bars('failed', failed, RESERVED_AT, ({ reserved }) => reserved, VERMILION),
    bars('requested', indices, REQUESTED_AT, ({ requested }) => requested, REQUESTED),
  ];
  const layout = plotlyLayout(title, summary, {
    height: heightOf(rows),
    xaxis: plotlyAxis(`peak (${unit.name})`, { range: [0, inUnit(topBytes, unit) * 1.05 || 1] }),
    yaxis: { range: [rows.length || 1, 0], visible: false },
    barmode: 'overlay',
    showlegend: true,
    uirevision: 'replay',
    shapes: rows.map((_, row) => boundLine(inUnit(lowerBoundBytes, unit), row)),
    annotations: rows.map(({ label, failed }, row) => ({
      text: plotlyText(label),
      showarrow: false,
      xref: 'paper',
      x: 0,
      y: row + LABEL_AT,
      xanchor: 'left',
      font: failed ? { color: VERMILION } : {},
    })),
  });
  return { data, layout };
}

/** The lower bound beside the bars of a row: across the labels it would make them hard to read. */
function boundLine(x: number, row: number): object {
  const { y1, y2 } = boundOf(row);
  return { type: 'line', x0: x, x1: x, y0: y1, y1: y2, line: { color: BOUND, width: 3, dash: 'dash' } };
}

function boundOf(row: number): { y1: number; y2: number } {
  return { y1: row + RESERVED_AT.from - 0.04, y2: row + REQUESTED_AT.to + 0.04 };
}

function heightOf(rows: readonly DrawnRow[]): number {
  return 150 + 52 * Math.max(rows.length, 1);
}

function replayPlot(plot: Plot, { lowerBoundBytes, rows, topBytes }: DrawnReplay, unit: Unit): PlotOptions {
  const bars = rows.flatMap(({ failed, requested, reserved }, row) => [
    {
      bytes: inUnit(reserved, unit),
      y1: row + RESERVED_AT.from,
      y2: row + RESERVED_AT.to,
      color: failed ? VERMILION : ACTIVE,
    },
    {
      bytes: inUnit(requested, unit),
      y1: row + REQUESTED_AT.from,
      y2: row + REQUESTED_AT.to,
      color: REQUESTED,
    },
  ]);
  const labels = rows.map(({ label, failed }, row) => ({
    label,
    y: row + LABEL_AT,
    color: failed ? VERMILION : 'currentColor',
  }));
  return {
    height: heightOf(rows),
    marginLeft: 16,
    marginBottom: 56,
    x: { domain: [0, inUnit(topBytes, unit) * 1.05 || 1] },
    y: { domain: [rows.length || 1, 0], axis: null },
    color: { type: 'identity' },
    marks: [
      plot.gridX({ ticks: 8, strokeOpacity: 0.15 }),
      plot.axisX({ ticks: 8, label: null }),
      plot.text([`peak (${unit.name})`], { frameAnchor: 'bottom', dy: 36 }),
      plot.rect(bars, { x1: 0, x2: 'bytes', y1: 'y1', y2: 'y2', fill: 'color' }),
      plot.ruleX(
        rows.map((_, row) => boundOf(row)),
        {
          x: () => inUnit(lowerBoundBytes, unit),
          y1: 'y1',
          y2: 'y2',
          stroke: BOUND,
          strokeWidth: 3,
          strokeDasharray: BOUND_DASH,
        },
      ),
      plot.text(labels, { x: 0, y: 'y', text: 'label', fill: 'color', textAnchor: 'start', dx: 2 }),
      ...(rows.length === 0 ? [plot.text(['nothing replayed'], { frameAnchor: 'middle' })] : []),
    ],
  };
}
