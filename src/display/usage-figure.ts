/** What allocators or pools hold over time, side by side: the bytes in use, and around them the bytes reserved. */
import { formatBytes, formatDuration } from '../units';
import { Figure } from './figure';
import { limitLine, plotlyAxis, plotlyLayout, plotlyText } from './layout';
import { ACTIVE, FAINT, GREY, VERMILION } from './palette';
import { byteUnit, finite, inUnit, largest, moment, momentIn, timeUnit, type Unit } from './scale';
import { drawSvg, type LegendEntry, type Plot, type PlotOptions } from './svg';
import { slotsOf, thin } from './thin';
import { clip } from './wording';

/** What a holder held at one moment. */
export interface UsageSample {
  readonly timeMs: number;
  /** handed out */
  readonly activeBytes: number;
  /** held from the upstream, what is handed out included */
  readonly reservedBytes: number;
}

/** One holder over time, in the order of time. */
export interface UsageSeries {
  readonly name: string;
  readonly samples: readonly UsageSample[];
}

export interface UsageComparison {
  readonly title?: string;
  readonly series: readonly UsageSeries[];
  /** The limit that all of them have; null when there is none. */
  readonly limitBytes: number | null;
}

interface DrawnUsage {
  readonly title: string;
  readonly summary: string;
  readonly series: readonly UsageSeries[];
  readonly limitBytes: number | null;
  readonly spanMs: number;
  readonly topBytes: number;
}

/** More panels than these would be too narrow to read. */
const MOST_SERIES = 6;
const LIMIT_DASH = '7 4';
/** Between panels, as a part of their width. */
const GAP = 0.12;

/**
 * Draws a panel for each series on one scale of bytes: active bytes, and reserved bytes around them.
 *
 * @example
 * ```ts
 * const samples = [
 *   { timeMs: 0, activeBytes: 1048576, reservedBytes: 2097152 },
 *   { timeMs: 5, activeBytes: 524288, reservedBytes: 2097152 },
 * ];
 * const figure = usageFigure({ series: [{ name: 'dynamic', samples }], limitBytes: null });
 * String(figure); // 'usage: 5.00 ms; peak reserved: dynamic 2.0 MiB'
 * ```
 */
export function usageFigure(comparison: UsageComparison): Figure {
  const drawn = prepareUsage(comparison);
  const bytes = byteUnit(drawn.topBytes);
  const time = timeUnit(drawn.spanMs);
  return new Figure(
    usageSpec(drawn, bytes, time),
    () => drawSvg((plot) => usagePlot(plot, drawn, bytes, time), drawn, legendOf(drawn)),
    () => `usage: ${drawn.summary}`,
  );
}

/** Samples thinned to what a screen shows; the highest and the lowest of both figures survive. */
export function boundSamples(samples: readonly UsageSample[]): readonly UsageSample[] {
  const valid = samples.filter(({ timeMs }) => Number.isFinite(timeMs)).map(clean);
  const start = startOf(valid);
  const slotOf = slotsOf(spanOf(valid));
  return thin(
    valid,
    (timeMs) => slotOf(timeMs - start),
    (sample) => sample.activeBytes,
    (sample) => sample.reservedBytes,
  );
}

function clean({ timeMs, activeBytes, reservedBytes }: UsageSample): UsageSample {
  return { timeMs: moment(timeMs), activeBytes: finite(activeBytes), reservedBytes: finite(reservedBytes) };
}

function startOf(samples: readonly UsageSample[]): number {
  return samples[0]?.timeMs ?? 0;
}

function spanOf(samples: readonly UsageSample[]): number {
  return Math.max(0, (samples.at(-1)?.timeMs ?? 0) - startOf(samples));
}

function prepareUsage({ title, series: given, limitBytes }: UsageComparison): DrawnUsage {
  const bound = given.map(({ name, samples }) => ({ name, samples: boundSamples(samples) }));
  const spanMs = largest(bound, ({ samples }) => spanOf(samples));
  const limit = finite(limitBytes ?? 0) || null;
  return {
    title: title ?? 'Memory in use and reserved',
    summary: summarize(bound, spanMs, limit),
    series: bound.slice(0, MOST_SERIES).map((series) => fromZero(series, spanMs)),
    limitBytes: limit,
    spanMs,
    topBytes: Math.max(limit ?? 0, largest(bound, peakOf)),
  };
}

/** Each series counts from its own beginning. A single sample has no width: it is drawn as if it lasted. */
function fromZero({ name, samples }: UsageSeries, spanMs: number): UsageSeries {
  const start = startOf(samples);
  const moved = samples.map((sample) => ({ ...sample, timeMs: sample.timeMs - start }));
  const only = moved.length === 1 ? moved.map((sample) => ({ ...sample, timeMs: spanMs || 1 })) : [];
  return { name, samples: [...moved, ...only] };
}

function peakOf({ samples }: UsageSeries): number {
  return largest(samples, ({ activeBytes, reservedBytes }) => Math.max(activeBytes, reservedBytes));
}

function summarize(series: readonly UsageSeries[], spanMs: number, limit: number | null): string {
  if (series.every(({ samples }) => samples.length === 0)) return 'no samples yet';
  const peaks = series
    .slice(0, MOST_SERIES)
    .map((each) => `${clip(each.name, 20)} ${formatBytes(peakOf(each))}`);
  const more = series.length > MOST_SERIES ? `, ${series.length - MOST_SERIES} more` : '';
  const of = limit === null ? '' : `; limit ${formatBytes(limit)}`;
  return `${formatDuration(spanMs)}; peak reserved: ${peaks.join(', ')}${more}${of}`;
}

function usageSpec(
  { limitBytes, series, spanMs, summary, title, topBytes }: DrawnUsage,
  bytes: Unit,
  time: Unit,
) {
  const data = series.flatMap(({ samples }, panel) => {
    const area = (name: string, of: (sample: UsageSample) => number, fillcolor: string, color: string) => ({
      type: 'scatter',
      mode: 'lines',
      name,
      legendgroup: name,
      showlegend: panel === 0,
      x: samples.map(({ timeMs }) => momentIn(timeMs, time)),
      y: samples.map((sample) => inUnit(of(sample), bytes)),
      xaxis: axisOf(panel),
      line: { shape: 'hv', width: 1, color },
      fill: 'tozeroy',
      fillcolor,
      hovertemplate: `%{y:.4~g} ${bytes.name}`,
    });
    return [
      area('reserved', (sample) => sample.reservedBytes, FAINT, GREY),
      area('active', (sample) => sample.activeBytes, ACTIVE, ACTIVE),
    ];
  });
  const range = [0, momentIn(spanMs, time) || 1];
  const width = 1 / (series.length || 1);
  const panels = series.map((_, panel) => [
    `xaxis${axisOf(panel).slice(1)}`,
    plotlyAxis(`time (${time.name})`, {
      range,
      domain: [panel * width, (panel + 1 - GAP) * width],
      nticks: 5,
    }),
  ]);
  const layout = plotlyLayout(title, summary, {
    ...Object.fromEntries(panels),
    yaxis: plotlyAxis(`memory (${bytes.name})`, { range: [0, inUnit(topBytes, bytes) * 1.12 || 1] }),
    hovermode: 'x unified',
    uirevision: 'usage',
    shapes:
      limitBytes === null ? [] : [limitLine(inUnit(limitBytes, bytes), `limit ${formatBytes(limitBytes)}`)],
    annotations: series.map(({ name }, panel) => ({
      text: plotlyText(clip(name, 20)),
      showarrow: false,
      xref: `${axisOf(panel)} domain`,
      yref: 'paper',
      x: 0,
      y: 1,
      xanchor: 'left',
      yanchor: 'bottom',
    })),
  });
  return { data, layout };
}

/** plotly's name of the time axis of a panel. */
function axisOf(panel: number): string {
  return panel === 0 ? 'x' : `x${panel + 1}`;
}

function usagePlot(plot: Plot, drawn: DrawnUsage, bytes: Unit, time: Unit): PlotOptions {
  const samples = drawn.series.flatMap(({ samples }, panel) =>
    samples.map(({ timeMs, activeBytes, reservedBytes }) => ({
      panel,
      time: momentIn(timeMs, time),
      active: inUnit(activeBytes, bytes),
      reserved: inUnit(reservedBytes, bytes),
    })),
  );
  const limit = drawn.limitBytes === null ? [] : [inUnit(drawn.limitBytes, bytes)];
  const curve = 'step-after';
  const place = { x: 'time', fx: 'panel', curve } as const;
  return {
    height: 336,
    marginTop: 84,
    marginBottom: 56,
    x: { domain: [0, momentIn(drawn.spanMs, time) || 1] },
    y: { domain: [0, 1.12 * inUnit(drawn.topBytes, bytes) || 1] },
    fx: { domain: drawn.series.map((_, panel) => panel), padding: GAP },
    marks: [
      plot.axisX({ ticks: Math.ceil(8 / (drawn.series.length || 1)), label: null }),
      plot.text([`time (${time.name})`], { frameAnchor: 'bottom', dy: 36, facet: 'super' }),
      plot.axisY({ ticks: 6, label: null }),
      plot.axisFx({ tickFormat: (panel: number) => clip(drawn.series[panel]!.name, 20), label: null }),
      plot.gridY({ ticks: 6, strokeOpacity: 0.15 }),
      plot.text([`memory (${bytes.name})`], {
        frameAnchor: 'left',
        rotate: -90,
        dx: -48,
        textAnchor: 'middle',
        facet: 'super',
      }),
      plot.areaY(samples, { ...place, y: 'reserved', fill: FAINT }),
      plot.lineY(samples, { ...place, y: 'reserved', stroke: GREY, strokeWidth: 1 }),
      plot.areaY(samples, { ...place, y: 'active', fill: ACTIVE }),
      ...(samples.length === 0 ? [plot.text(['no samples yet'], { frameAnchor: 'middle' })] : []),
      plot.ruleY(limit, { stroke: VERMILION, strokeWidth: 2, strokeDasharray: LIMIT_DASH }),
    ],
  };
}

function legendOf({ limitBytes }: DrawnUsage): LegendEntry[] {
  const areas = [
    { name: 'reserved', color: FAINT },
    { name: 'active', color: ACTIVE },
  ];
  const limit = { name: 'limit', color: VERMILION, line: true, dash: LIMIT_DASH };
  return limitBytes === null ? areas : [limit, ...areas];
}
