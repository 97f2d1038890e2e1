/** Bytes per second over time: what is read from the disk, what is computed with, and the limits of both. */
import { formatBytes, formatDuration } from '../units';
import { Figure } from './figure';
import { lengthOf } from './intervals';
import { limitLine, plotlyAxis, plotlyLayout, plotlyText } from './layout';
import { LANE, VERMILION } from './palette';
import { byteUnit, finite, inUnit, largest, momentIn, timeUnit, type Unit } from './scale';
import { drawSvg, type Plot, type PlotOptions } from './svg';
import { percent } from './wording';

/** A stretch of time. */
export interface BandwidthWindow {
  readonly startMs: number;
  readonly endMs: number;
  readonly readBytes: number;
  /** of the weights that were computed with */
  readonly computedBytes: number;
}

/** What cannot be passed. */
export interface BandwidthLimit {
  /** `disk` bounds what is read, `memory` what is computed with */
  readonly name: 'disk' | 'memory';
  readonly bytesPerSecond: number;
  /** where the number comes from, e.g. `measured` */
  readonly source: string;
}

export interface Bandwidth {
  readonly title?: string;
  /** in the order of time */
  readonly windows: readonly BandwidthWindow[];
  readonly limits: readonly BandwidthLimit[];
}

const SERIES = [
  {
    name: 'computed with',
    limit: 'memory',
    color: LANE.compute,
    of: (window: BandwidthWindow) => window.computedBytes,
  },
  { name: 'read', limit: 'disk', color: LANE.read, of: (window: BandwidthWindow) => window.readBytes },
] as const;

/** More of them show the layers of a pass rather than how fast it is. */
const MOST_WINDOWS = 60;
const HEIGHT = 340;
/** A limit so many times above all else is said, not drawn: it would press the rest to the ground. */
const FAR = 3;
const LIMIT_DASH = '7 4';

interface DrawnBandwidth {
  readonly title: string;
  readonly summary: string;
  /** times from the first window */
  readonly windows: readonly BandwidthWindow[];
  readonly spanMs: number;
  readonly near: readonly BandwidthLimit[];
  /** said at the upper edge */
  readonly far: string;
  readonly top: number;
}

/**
 * Draws bytes per second that are read, and bytes of weights per second that are computed with: what is resident is computed with and
 * not read, so that the second can pass the disk's limit, and no more than memory's.
 *
 * @example
 * ```ts
 * const figure = bandwidthFigure({
 *   windows: [{ startMs: 0, endMs: 1000, readBytes: 1048576, computedBytes: 4194304 }],
 *   limits: [{ name: 'disk', bytesPerSecond: 2097152, source: 'given' }],
 * });
 * String(figure); // 'bandwidth: over 1.00 s read 1.0 MiB/s, 50% of the disk; computed with 4.0 MiB/s'
 * ```
 */
export function bandwidthFigure(bandwidth: Bandwidth): Figure {
  const drawn = prepare(bandwidth);
  const bytes = byteUnit(drawn.top);
  const time = timeUnit(drawn.spanMs);
  return new Figure(
    spec(drawn, bytes, time),
    () => drawSvg((plot) => svg(plot, drawn, bytes, time), drawn, legendOf(drawn)),
    () => `bandwidth: ${drawn.summary}`,
  );
}

function prepare({ title, windows: given, limits: all }: Bandwidth): DrawnBandwidth {
  const valid = given.filter(({ startMs, endMs }) => startMs < endMs && Number.isFinite(endMs - startMs));
  const windows = withoutStub(joined(valid));
  const limits = all.filter(({ bytesPerSecond }) => finite(bytesPerSecond) > 0);
  const spanMs = windows.at(-1)?.endMs ?? 0;
  const most = largest(windows, (window) => Math.max(...SERIES.map(({ of }) => rate(window, of(window)))));
  const near = limits.filter(({ bytesPerSecond }) => most === 0 || bytesPerSecond <= FAR * most);
  const far = limits.filter((limit) => !near.includes(limit)).map(limitText);
  return {
    title: title ?? 'Bandwidth',
    summary: summarize(windows, limits, spanMs),
    windows,
    spanMs,
    near,
    far: far.length > 0 ? `far above: ${far.join(', ')}` : '',
    top: Math.max(
      most,
      largest(near, ({ bytesPerSecond }) => bytesPerSecond),
    ),
  };
}

/** A window that was cut short has not seen its reads end: it would show a fall that there was not. */
function withoutStub(windows: readonly BandwidthWindow[]): readonly BandwidthWindow[] {
  const [first, last] = [windows[0], windows.at(-1)];
  const isStub = first && last && windows.length > 2 && lengthOf([last]) < 0.9 * lengthOf([first]);
  return isStub ? windows.slice(0, -1) : windows;
}

/** Times from the first window, neighbours joined where there are more windows than can be told apart. */
function joined(windows: readonly BandwidthWindow[]): BandwidthWindow[] {
  const size = Math.ceil(windows.length / MOST_WINDOWS) || 1;
  const start = windows[0]?.startMs ?? 0;
  return Array.from({ length: Math.ceil(windows.length / size) }, (_, index) => {
    const own = windows.slice(index * size, (index + 1) * size);
    const sum = (of: (window: BandwidthWindow) => number) =>
      own.reduce((bytes, window) => bytes + finite(of(window)), 0);
    return {
      startMs: own[0]!.startMs - start,
      endMs: own.at(-1)!.endMs - start,
      readBytes: sum(({ readBytes }) => readBytes),
      computedBytes: sum(({ computedBytes }) => computedBytes),
    };
  });
}

function rate({ startMs, endMs }: BandwidthWindow, bytes: number): number {
  return (bytes * 1000) / (endMs - startMs);
}

function limitText({ name, bytesPerSecond, source }: BandwidthLimit): string {
  return `${name} ${formatBytes(bytesPerSecond)}/s (${source})`;
}

function summarize(
  windows: readonly BandwidthWindow[],
  limits: readonly BandwidthLimit[],
  spanMs: number,
): string {
  if (windows.length === 0) return 'nothing seen yet';
  const parts = [...SERIES].reverse().map(({ name, limit, of }) => {
    const mean = (windows.reduce((bytes, window) => bytes + of(window), 0) * 1000) / spanMs;
    const bound = limits.find((each) => each.name === limit);
    const share = bound ? `, ${percent(mean / bound.bytesPerSecond)} of the ${limit}` : '';
    return `${name} ${formatBytes(mean)}/s${share}`;
  });
  return `over ${formatDuration(spanMs)} ${parts.join('; ')}`;
}

/** A level for each window, and its end. */
function stepsOf(windows: readonly BandwidthWindow[], of: (window: BandwidthWindow) => number) {
  const points = windows.map((window) => ({ timeMs: window.startMs, rate: rate(window, of(window)) }));
  const last = windows.at(-1);
  return last ? [...points, { timeMs: last.endMs, rate: points.at(-1)!.rate }] : points;
}

function spec({ far, near, spanMs, summary, title, top, windows }: DrawnBandwidth, bytes: Unit, time: Unit) {
  const data = SERIES.map(({ name, color, of }) => {
    const steps = stepsOf(windows, of);
    return {
      type: 'scatter',
      mode: 'lines',
      name,
      x: steps.map(({ timeMs }) => momentIn(timeMs, time)),
      y: steps.map((step) => inUnit(step.rate, bytes)),
      line: { shape: 'hv', width: 2, color },
      hovertemplate: `%{y:.3~g} ${bytes.name}/s`,
    };
  });
  const layout = plotlyLayout(title, summary, {
    height: HEIGHT,
    xaxis: plotlyAxis(`time (${time.name})`, { range: [0, momentIn(spanMs, time) || 1] }),
    yaxis: plotlyAxis(`${bytes.name} per second`, { range: [0, inUnit(top, bytes) * 1.15 || 1] }),
    hovermode: 'x unified',
    showlegend: true,
    legend: { traceorder: 'normal' },
    uirevision: 'bandwidth',
    shapes: near.map((limit) => limitLine(inUnit(limit.bytesPerSecond, bytes), plotlyText(limitText(limit)))),
    annotations: notesOf(far, windows.length === 0),
  });
  return { data, layout };
}

const EMPTY = 'nothing seen yet';

function notesOf(far: string, isEmpty: boolean): object[] {
  const note = { showarrow: false, xref: 'paper', yref: 'paper' };
  return [
    ...(isEmpty ? [{ ...note, text: EMPTY, x: 0.5, y: 0.5 }] : []),
    ...(far
      ? [
          {
            ...note,
            text: `↑ ${plotlyText(far)}`,
            x: 1,
            y: 1,
            xanchor: 'right',
            yanchor: 'top',
            font: { color: VERMILION },
          },
        ]
      : []),
  ];
}

function svg(plot: Plot, drawn: DrawnBandwidth, bytes: Unit, time: Unit): PlotOptions {
  const { far, near, spanMs, top, windows } = drawn;
  const limits = near.map((limit) => ({ y: inUnit(limit.bytesPerSecond, bytes), text: limitText(limit) }));
  return {
    height: HEIGHT,
    marginBottom: 56,
    x: { domain: [0, momentIn(spanMs, time) || 1] },
    y: { domain: [0, 1.15 * inUnit(top, bytes) || 1] },
    marks: [
      plot.axisX({ ticks: 8, label: null }),
      plot.text([`time (${time.name})`], { frameAnchor: 'bottom', dy: 36 }),
      plot.axisY({ ticks: 6, label: null }),
      plot.gridY({ ticks: 6, strokeOpacity: 0.15 }),
      plot.text([`${bytes.name} per second`], {
        frameAnchor: 'left',
        rotate: -90,
        dx: -48,
        textAnchor: 'middle',
      }),
      ...SERIES.map(({ color, of }) =>
        plot.lineY(
          stepsOf(windows, of).map((step) => ({
            time: momentIn(step.timeMs, time),
            rate: inUnit(step.rate, bytes),
          })),
          { x: 'time', y: 'rate', stroke: color, strokeWidth: 2, curve: 'step-after' },
        ),
      ),
      plot.ruleY(limits, { y: 'y', stroke: VERMILION, strokeWidth: 2, strokeDasharray: LIMIT_DASH }),
      plot.text(limits, { y: 'y', text: 'text', frameAnchor: 'left', fill: VERMILION, dx: 6, dy: -9 }),
      ...(far ? [plot.text([`↑ ${far}`], { frameAnchor: 'top-right', fill: VERMILION, dy: 4 })] : []),
      ...(windows.length === 0 ? [plot.text([EMPTY], { frameAnchor: 'middle' })] : []),
    ],
  };
}

function legendOf({ near }: DrawnBandwidth) {
  const limit = { name: 'limit', color: VERMILION, line: true, dash: LIMIT_DASH };
  return [
    ...(near.length > 0 ? [limit] : []),
    ...SERIES.map(({ name, color }) => ({ name, color, line: true })),
  ];
}
