/** A histogram over logarithmic bins: how many blocks have which size and how many bytes those hold, or how long blocks live. */
import { formatBytes, formatCount, formatDuration } from '../units';
import { Figure } from './figure';
import { plotlyAxis, plotlyLayout } from './layout';
import { colorsOf, GREY } from './palette';
import { finite } from './scale';
import { drawSvg, type LegendEntry, type Plot, type PlotOptions } from './svg';
import { percent } from './wording';

/** What lies from `from` up to, and without, `to`. */
export interface HistogramBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** of all that lies in the bin */
  readonly bytes?: number;
}

export interface Histogram {
  readonly title: string;
  /** of `from` and `to`: bytes, a count, or a duration in ms */
  readonly unit: 'bytes' | 'count' | 'duration';
  /** in ascending order */
  readonly bins: readonly HistogramBin[];
}

/** A bar from one power of two to another; its share in percent. */
interface Bar {
  readonly from: number;
  readonly to: number;
  readonly share: number;
  readonly label: string;
}

/** The bars of one measure, in one colour. */
interface Series extends LegendEntry {
  readonly bars: readonly Bar[];
}

interface DrawnHistogram {
  readonly title: string;
  readonly summary: string;
  readonly series: readonly Series[];
  /** powers of two */
  readonly ticks: readonly number[];
  readonly domain: [number, number];
  readonly format: Format;
}

type Format = (value: number) => string;

const FORMATS: Readonly<Record<Histogram['unit'], Format>> = {
  bytes: formatBytes,
  count: formatCount,
  // Lifetimes begin far below what a reader waits for.
  duration: (ms) => (ms < 0.1 ? `${Number((ms * 1000).toPrecision(2))} µs` : formatDuration(ms)),
};
const MOST_BINS = 128;
const MOST_TICKS = 9;

/**
 * Draws a bar for each bin: its share of the count and, where the bins say their bytes, beside it its share of those.
 *
 * @example
 * ```ts
 * const bins = [{ from: 64, to: 128, count: 30 }, { from: 128, to: 256, count: 10 }];
 * const figure = histogramFigure({ title: 'Sizes of blocks', unit: 'bytes', bins });
 * String(figure); // 'Sizes of blocks: 40 from 64 B to 256 B; 75% of them in 64 B – 128 B'
 * ```
 */
export function histogramFigure(histogram: Histogram): Figure {
  const drawn = prepareHistogram(histogram);
  return new Figure(
    histogramSpec(drawn),
    () => drawSvg((plot) => histogramPlot(plot, drawn), drawn, drawn.series),
    () => `${drawn.title}: ${drawn.summary}`,
  );
}

/** Bins that hold something, neighbours joined until there are no more than a picture shows. */
export function boundBins(bins: readonly HistogramBin[]): readonly HistogramBin[] {
  const filled = bins.filter(({ from, to, count }) => finite(count) > 0 && from >= 0 && finite(to) > from);
  const width = Math.ceil(filled.length / MOST_BINS);
  return filled
    .filter((_, index) => index % width === 0)
    .map((_, group) => filled.slice(group * width, (group + 1) * width).reduce(joinBins));
}

function joinBins(one: HistogramBin, two: HistogramBin): HistogramBin {
  const { from, to } = { from: Math.min(one.from, two.from), to: Math.max(one.to, two.to) };
  const counted = { from, to, count: one.count + two.count };
  return one.bytes === undefined || two.bytes === undefined
    ? counted
    : { ...counted, bytes: one.bytes + two.bytes };
}

function prepareHistogram({ title, unit, bins: given }: Histogram): DrawnHistogram {
  const bins = boundBins(given);
  const format = FORMATS[unit];
  const edges = [...new Set(bins.flatMap(edgesOf))].sort((one, two) => one - two);
  const step = Math.ceil(edges.length / MOST_TICKS);
  const [countColor, bytesColor] = colorsOf(['count', 'bytes']);
  const hasBytes = bins.length > 0 && bins.every(({ bytes }) => bytes !== undefined);
  const slots = hasBytes ? 2 : 1;
  const count = {
    name: 'count',
    color: countColor!,
    bars: barsOf(bins, (bin) => finite(bin.count), [0, 1 / slots], format, formatCount),
  };
  const bytes = {
    name: 'bytes',
    color: bytesColor!,
    bars: barsOf(bins, (bin) => finite(bin.bytes), [1 / slots, 1], format, formatBytes),
  };
  return {
    title,
    summary: summarize(bins, format),
    series: hasBytes ? [count, bytes] : [count],
    ticks: edges.filter((_, index) => index % step === 0),
    domain: [edges[0] ?? 0, edges.at(-1) ?? 1],
    format,
  };
}

/** The edges of a bin as powers of two; a bin from zero is as wide as one that doubles. */
function edgesOf({ from, to }: HistogramBin): [number, number] {
  return [Math.log2(from > 0 ? from : to / 2), Math.log2(to)];
}

/** Bars over the part of each bin between the two `slots`, each a fraction of its width. */
function barsOf(
  bins: readonly HistogramBin[],
  measure: (bin: HistogramBin) => number,
  [begin, end]: readonly [number, number],
  format: Format,
  formatValue: Format,
): Bar[] {
  const sum = bins.reduce((all, bin) => all + measure(bin), 0) || 1;
  return bins.map((bin) => {
    const [low, high] = edgesOf(bin);
    const share = measure(bin) / sum;
    return {
      from: low + begin * (high - low),
      to: low + end * (high - low),
      share: Number((100 * share).toPrecision(4)),
      label: `${nameOf(bin, format)}: ${formatValue(measure(bin))}, ${percent(share)}`,
    };
  });
}

function nameOf({ from, to }: HistogramBin, format: Format): string {
  return `${format(from)} – ${format(to)}`;
}

function summarize(bins: readonly HistogramBin[], format: Format): string {
  if (bins.length === 0) return 'none';
  const count = bins.reduce((all, bin) => all + bin.count, 0);
  const most = bins.reduce((one, two) => (two.count > one.count ? two : one));
  const range = `${formatCount(count)} from ${format(bins[0]!.from)} to ${format(bins.at(-1)!.to)}`;
  return `${range}; ${percent(most.count / count)} of them in ${nameOf(most, format)}`;
}

function histogramSpec({ domain, format, series, summary, ticks, title }: DrawnHistogram) {
  const data = series.map(({ name, color, bars }) => ({
    type: 'bar',
    name,
    x: bars.map(({ from, to }) => (from + to) / 2),
    width: bars.map(({ from, to }) => to - from),
    y: bars.map(({ share }) => share),
    text: bars.map(({ label }) => label),
    textposition: 'none',
    hovertemplate: '%{text}<extra></extra>',
    marker: { color },
  }));
  const layout = plotlyLayout(title, summary, {
    xaxis: plotlyAxis('', {
      range: domain,
      tickmode: 'array',
      tickvals: ticks,
      ticktext: ticks.map((power) => format(2 ** power)),
      showgrid: false,
    }),
    yaxis: plotlyAxis('share (%)', { rangemode: 'tozero' }),
    barmode: 'overlay',
    showlegend: true,
    uirevision: 'histogram',
  });
  return { data, layout };
}

function histogramPlot(plot: Plot, { domain, format, series, ticks }: DrawnHistogram): PlotOptions {
  const bars = series.flatMap(({ color, bars }) => bars.map((bar) => ({ ...bar, color })));
  const top = bars.reduce((most, { share }) => Math.max(most, share), 0) || 1;
  return {
    height: 336,
    marginBottom: 56,
    x: { domain },
    y: { domain: [0, top * 1.05] },
    color: { type: 'identity' },
    marks: [
      plot.gridY({ ticks: 6, strokeOpacity: 0.15 }),
      plot.axisY({ ticks: 6, label: null }),
      plot.text(['share (%)'], { frameAnchor: 'left', rotate: -90, dx: -48, textAnchor: 'middle' }),
      plot.rectY(bars, { x1: 'from', x2: 'to', y: 'share', fill: 'color', inset: 0.5 }),
      plot.axisX(ticks, { tickFormat: (power: number) => format(2 ** power), label: null }),
      plot.ruleY([0], { stroke: GREY }),
      ...(bars.length === 0 ? [plot.text(['none'], { frameAnchor: 'middle' })] : []),
    ],
  };
}
