/** Figures against one another: points that lines join, of one or several series. */
import { Figure } from './figure';
import { plotlyAxis, plotlyLayout, plotlyText } from './layout';
import { colorsOf } from './palette';
import { largest } from './scale';
import { drawSvg, type Plot, type PlotOptions } from './svg';
import { clip, plural, signed } from './wording';

export interface LineSeries {
  readonly name: string;
  /** [x, y]; a point that is no number is left out */
  readonly points: readonly (readonly [number, number])[];
  /** For what is not measured, such as a limit. Default false. */
  readonly dashed?: boolean;
}

export interface Lines {
  readonly title: string;
  /** said beneath the title; default: what there is */
  readonly summary?: string;
  /** what the axes are, with their units */
  readonly x: string;
  readonly y: string;
  readonly lines: readonly LineSeries[];
}

interface DrawnLine extends LineSeries {
  readonly color: string;
}

interface DrawnLines extends Lines {
  readonly summary: string;
  readonly lines: readonly DrawnLine[];
  readonly rangeX: readonly [number, number];
  readonly top: number;
}

/** More lines than these cannot be told apart. */
const MOST_LINES = 8;
const LONGEST_NAME = 30;
const DASH = '6 4';

/**
 * Draws series as lines through their points, above zero.
 *
 * @example
 * ```ts
 * const figure = linesFigure({
 *   title: 'Speed by budget',
 *   x: 'budget (MiB)',
 *   y: 'tokens per second',
 *   lines: [{ name: 'measured', points: [[64, 4.1], [128, 7.9]] }],
 * });
 * String(figure); // 'Speed by budget: measured from 4.1 to 7.9'
 * ```
 */
export function linesFigure(given: Lines): Figure {
  const drawn = prepare(given);
  return new Figure(
    spec(drawn),
    () => drawSvg((plot) => svg(plot, drawn), drawn, legendOf(drawn)),
    () => `${drawn.title}: ${drawn.summary}`,
  );
}

function prepare(given: Lines): DrawnLines {
  const shown = given.lines.slice(0, MOST_LINES);
  const colors = colorsOf(shown.map(({ name }) => name));
  const lines = shown.map((line, index) => ({
    ...line,
    points: line.points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y)),
    color: colors[index]!,
  }));
  const xs = lines.flatMap(({ points }) => points.map(([x]) => x));
  return {
    ...given,
    summary: given.summary ?? summarize(lines, given.lines.length),
    lines,
    rangeX: xs.length > 0 ? widened(Math.min(...xs), Math.max(...xs)) : [0, 1],
    top: largest(lines, ({ points }) => largest(points, ([, y]) => y)),
  };
}

/** A little room on either side, for the marks of the outermost points. */
function widened(least: number, most: number): [number, number] {
  const margin = 0.04 * (most - least) || Math.abs(most) / 2 || 1;
  return [least - margin, most + margin];
}

function summarize(lines: readonly LineSeries[], all: number): string {
  const parts = lines
    .filter(({ points }) => points.length > 0)
    .map(({ name, points }) => {
      const ys = points.map(([, y]) => y);
      return `${clip(name, LONGEST_NAME)} from ${signed(Math.min(...ys))} to ${signed(Math.max(...ys))}`;
    });
  const more = all > lines.length ? `; ${plural(all - lines.length, 'line')} more` : '';
  return parts.length > 0 ? `${parts.join(', ')}${more}` : 'no points';
}

function spec({ lines, rangeX, summary, title, top, x, y }: DrawnLines) {
  const data = lines.map(({ color, dashed, name, points }) => ({
    type: 'scatter',
    mode: dashed ? 'lines' : 'lines+markers',
    name: plotlyText(clip(name, LONGEST_NAME)),
    x: points.map(([at]) => at),
    y: points.map(([, value]) => Number(value.toPrecision(5))),
    line: { width: 2, color, ...(dashed ? { dash: 'dash' } : {}) },
    marker: { size: 7, color },
    hovertemplate: '%{y:.4~g}',
  }));
  const layout = plotlyLayout(title, summary, {
    height: 340,
    xaxis: plotlyAxis(plotlyText(x), { range: rangeX }),
    yaxis: plotlyAxis(plotlyText(y), { range: [0, top * 1.12 || 1] }),
    hovermode: 'x unified',
    showlegend: true,
    legend: { traceorder: 'normal' },
    uirevision: 'lines',
  });
  return { data, layout };
}

function svg(plot: Plot, { lines, rangeX, top, x, y }: DrawnLines): PlotOptions {
  return {
    height: 340,
    marginBottom: 56,
    x: { domain: [...rangeX] },
    y: { domain: [0, 1.12 * top || 1] },
    marks: [
      plot.axisX({ ticks: 8, label: null }),
      plot.text([x], { frameAnchor: 'bottom', dy: 36 }),
      plot.axisY({ ticks: 6, label: null }),
      plot.gridY({ ticks: 6, strokeOpacity: 0.15 }),
      plot.text([y], { frameAnchor: 'left', rotate: -90, dx: -48, textAnchor: 'middle' }),
      ...lines.flatMap(({ color, dashed, points }) => {
        const places = points.map(([at, value]) => ({ at, value }));
        const line = { x: 'at', y: 'value', stroke: color, strokeWidth: 2 };
        return dashed
          ? [plot.lineY(places, { ...line, strokeDasharray: DASH })]
          : [plot.lineY(places, line), plot.dot(places, { x: 'at', y: 'value', fill: color, r: 3.5 })];
      }),
      ...(lines.every(({ points }) => points.length === 0)
        ? [plot.text(['no points'], { frameAnchor: 'middle' })]
        : []),
    ],
  };
}

function legendOf({ lines }: DrawnLines) {
  return lines.map(({ color, dashed, name }) => ({ name, color, line: true, dash: dashed ? DASH : 'none' }));
}
