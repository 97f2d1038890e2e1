/** A histogram over bins of equal width, of values on either side of zero. */
import { formatCount } from '../units';
import { Figure } from './figure';
import { plotlyAxis, plotlyLayout } from './layout';
import { ACTIVE, GREY } from './palette';
import { type Rectangle, rectangleMark, rectangleTrace } from './rectangles';
import { finite, largest } from './scale';
import { drawSvg, type Plot, type PlotOptions } from './svg';
import { signed } from './wording';

export interface Distribution {
  readonly title: string;
  /** in ascending order */
  readonly bins: readonly { readonly from: number; readonly to: number; readonly count: number }[];
  /** said beneath the title */
  readonly notes?: string;
}

interface DrawnDistribution {
  readonly title: string;
  readonly summary: string;
  readonly bars: readonly (Rectangle & { readonly label: string })[];
  readonly domain: [number, number];
  readonly top: number;
}

/**
 * Draws a bar for each bin.
 *
 * @example
 * ```ts
 * const bins = [{ from: -1, to: 0, count: 3 }, { from: 0, to: 1, count: 5 }];
 * const figure = distributionFigure({ title: 'weights', bins });
 * String(figure); // 'weights: 8 values from -1 to 1'
 * ```
 */
export function distributionFigure(distribution: Distribution): Figure {
  const drawn = prepare(distribution);
  return new Figure(
    spec(drawn),
    () => drawSvg((plot) => svg(plot, drawn), drawn, []),
    () => `${drawn.title}: ${drawn.summary}`,
  );
}

function prepare({ title, bins: given, notes }: Distribution): DrawnDistribution {
  const bins = given.filter(({ from, to }) => Number.isFinite(from) && Number.isFinite(to));
  const count = bins.reduce((sum, bin) => sum + finite(bin.count), 0);
  const [first, last] = [bins[0]?.from ?? 0, bins.at(-1)?.to ?? 0];
  // All values alike: the one bin has no width to be seen.
  const half = last > first ? 0 : Math.abs(first) / 20 || 0.5;
  const range =
    count > 0 ? `${formatCount(count)} values from ${signed(first)} to ${signed(last)}` : 'no finite values';
  return {
    title,
    summary: notes ? `${range}; ${notes}` : range,
    bars: bins.map(({ from, to, count }) => ({
      x1: from - half,
      x2: to + half,
      y1: 0,
      y2: finite(count),
      color: ACTIVE,
      label: `${signed(from)} to ${signed(to)}: ${formatCount(finite(count))}`,
    })),
    domain: [first - 2 * half, last + 2 * half],
    top: largest(bins, (bin) => finite(bin.count)) || 1,
  };
}

function spec({ bars, domain, summary, title, top }: DrawnDistribution) {
  const trace = rectangleTrace(bars, {
    name: 'values',
    text: bars.map(({ label }) => label),
    hovertemplate: '%{text}<extra></extra>',
    marker: { color: ACTIVE },
  });
  const layout = plotlyLayout(title, summary, {
    xaxis: plotlyAxis('value', { range: domain, showgrid: false }),
    yaxis: plotlyAxis('count', { range: [0, 1.05 * top] }),
    barmode: 'overlay',
    showlegend: false,
    uirevision: 'distribution',
  });
  return { data: [trace], layout };
}

function svg(plot: Plot, { bars, domain, top }: DrawnDistribution): PlotOptions {
  return {
    marginRight: 24,
    marginBottom: 56,
    x: { domain },
    y: { domain: [0, 1.05 * top] },
    color: { type: 'identity' },
    marks: [
      plot.gridY({ ticks: 6, strokeOpacity: 0.15 }),
      rectangleMark(plot, bars, 0.5),
      plot.axisX({ ticks: 8, label: null }),
      plot.axisY({ ticks: 6, label: null, tickFormat: 's' }),
      plot.text(['value'], { frameAnchor: 'bottom', dy: 36 }),
      plot.ruleY([0], { stroke: GREY }),
      ...(bars.length === 0 ? [plot.text(['no finite values'], { frameAnchor: 'middle' })] : []),
    ],
  };
}
