/** The memory figure as static SVG: the same bands, lines and marks as its plotly specification. */
import { formatBytes } from '../units';
import { colorOf, GREY, VERMILION } from './palette';
import { inUnit, momentIn, type Unit } from './scale';
import { drawSvg, FRAME_HEIGHT, type LegendEntry, type Plot, type PlotOptions } from './svg';
import { type DrawnTimeline, type MarkGroup, topOf } from './timeline';

const BUDGET_DASH = '7 4';
const PEAK_DASH = '2 3';
const RESERVED_DASH = '6 3';
/** Height of the two rows of marks beneath the frame. */
const STRIP = 32;

/** Draws a prepared timeline with bytes and times in the given units. */
export function memorySvg(drawn: DrawnTimeline, bytes: Unit, time: Unit): Promise<string> {
  return drawSvg((plot) => memoryPlot(plot, drawn, bytes, time), drawn, memoryLegend(drawn));
}

function memoryPlot(plot: Plot, drawn: DrawnTimeline, bytes: Unit, time: Unit): PlotOptions {
  const { budgetBytes, samples, tags } = drawn;
  const budget = budgetBytes === null ? [] : [inUnit(budgetBytes, bytes)];
  const top = inUnit(topOf(drawn), bytes) || 1;
  const bands = samples.flatMap(({ timeMs, byTag }) =>
    byTag.map((value, tag) => ({
      time: momentIn(timeMs, time),
      bytes: inUnit(value, bytes),
      tag: tags[tag]!,
    })),
  );
  const lines = samples.map(({ timeMs, currentBytes, peakBytes, reservedBytes }) => ({
    time: momentIn(timeMs, time),
    current: inUnit(currentBytes, bytes),
    peak: inUnit(peakBytes, bytes),
    reserved: inUnit(reservedBytes ?? 0, bytes),
  }));
  const curve = 'step-after';
  return {
    x: { domain: [0, momentIn(drawn.spanMs, time) || 1] },
    y: { domain: [0, 1.12 * top] },
    color: { domain: [...tags], range: tags.map(colorOf) },
    marks: [
      plot.axisX({ ticks: 8, dy: STRIP, label: null }),
      plot.text([`time (${time.name})`], { frameAnchor: 'bottom', dy: STRIP + 36 }),
      plot.axisY({ ticks: 6, label: null }),
      plot.gridY({ ticks: 6, strokeOpacity: 0.15 }),
      plot.text([`memory (${bytes.name})`], {
        frameAnchor: 'left',
        rotate: -90,
        dx: -48,
        textAnchor: 'middle',
      }),
      plot.areaY(bands, { x: 'time', y: 'bytes', fill: 'tag', order: [...tags], curve }),
      plot.lineY(lines, { x: 'time', y: 'current', stroke: GREY, strokeWidth: 1, curve }),
      plot.lineY(lines, {
        x: 'time',
        y: 'peak',
        stroke: GREY,
        strokeWidth: 2,
        strokeDasharray: PEAK_DASH,
        curve,
      }),
      ...(drawn.showsReserved
        ? [
            plot.lineY(lines, {
              x: 'time',
              y: 'reserved',
              stroke: GREY,
              strokeWidth: 1,
              strokeDasharray: RESERVED_DASH,
              curve,
            }),
          ]
        : []),
      ...(samples.length === 1 ? [plot.dot(lines, { x: 'time', y: 'current', fill: GREY })] : []),
      ...(samples.length === 0 ? [plot.text(['no samples yet'], { frameAnchor: 'middle' })] : []),
      plot.ruleY(budget, { stroke: VERMILION, strokeWidth: 2, strokeDasharray: BUDGET_DASH }),
      plot.lineY(
        drawn.budgets.map((step) => ({
          time: momentIn(step.timeMs, time),
          bytes: step.bytes === null ? Number.NaN : inUnit(step.bytes, bytes),
        })),
        { x: 'time', y: 'bytes', stroke: VERMILION, strokeWidth: 2, strokeDasharray: BUDGET_DASH, curve },
      ),
      plot.text(budget, {
        y: (value: number) => value,
        text: () => `budget ${formatBytes(budgetBytes!)}`,
        frameAnchor: 'left',
        fill: VERMILION,
        dx: 6,
        dy: -9,
      }),
      ...markRow(plot, 'load', drawn.loads, time, 4),
      ...markRow(plot, 'evict', drawn.evictions, time, 4 + STRIP / 2),
    ],
  };
}

/** Ticks beneath the frame, `below` pixels under its edge. */
function markRow(plot: Plot, name: string, groups: readonly MarkGroup[], time: Unit, below: number) {
  const height = STRIP / 2 - 4;
  const times = groups.map((group) => momentIn(group.timeMs, time));
  return [
    plot.tickX(times, {
      x: (value: number) => value,
      insetTop: FRAME_HEIGHT + below,
      insetBottom: -below - height,
      stroke: GREY,
      strokeWidth: 1,
    }),
    plot.text([name], {
      frameAnchor: 'bottom-left',
      textAnchor: 'end',
      lineAnchor: 'middle',
      dx: -9,
      dy: below + height / 2,
    }),
  ];
}

function memoryLegend({ tags, budgetBytes, budgets, showsReserved }: DrawnTimeline): LegendEntry[] {
  return [
    ...(budgetBytes === null && budgets.length === 0
      ? []
      : [{ name: 'budget', color: VERMILION, line: true, dash: BUDGET_DASH }]),
    { name: 'peak', color: GREY, line: true, dash: PEAK_DASH },
    ...(showsReserved ? [{ name: 'reserved', color: GREY, line: true, dash: RESERVED_DASH }] : []),
    { name: 'current', color: GREY, line: true },
    ...tags.map((name, index) => ({ name, color: colorOf(name, index) })).reverse(),
  ];
}
