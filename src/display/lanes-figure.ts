/** Lanes over time: reads, computes and stalls of layers above each other, so that what overlaps is seen at once. */
import { Figure } from './figure';
import { type DrawnLanes, LANES, type LaneChart, type LaneMark, type LaneName, prepareLanes } from './lanes';
import { plotlyAxis, plotlyLayout, plotlyText } from './layout';
import { GREY, LANE } from './palette';
import { type Rectangle, rectangleMark, rectangleTrace } from './rectangles';
import { momentIn, timeUnit, type Unit } from './scale';
import { drawSvg, type Plot, type PlotOptions } from './svg';

/** From the top of the picture, in heights of the lane of computes. */
const PLACES: Readonly<Record<LaneName, { from: number; to: number }>> = {
  read: { from: 0, to: 2 },
  compute: { from: 2.2, to: 3.2 },
  stall: { from: 3.4, to: 4 },
};
const BOTTOM = 4.1;
const TOP = -0.1;
/** Every other mark of a row is paler, that neighbours stay apart. */
const PALER = 0.68;
const HEIGHT = 380;

/**
 * Draws reads, computes and stalls as bars in three lanes; reads that are under way together lie in rows. Dotted lines stand where
 * passes begin. Of much work, what is very short is joined with its neighbour, and the summary says so.
 *
 * @example
 * ```ts
 * const figure = lanesFigure({
 *   spans: [
 *     { lane: 'read', layer: 'layers.1', startMs: 0, endMs: 4, bytes: 4194304 },
 *     { lane: 'compute', layer: 'layers.0', startMs: 1, endMs: 3, bytes: 4194304 },
 *     { lane: 'stall', layer: 'layers.1', startMs: 3, endMs: 4, bytes: 4194304 },
 *   ],
 *   passes: [1],
 *   fromMs: 0,
 *   toMs: 4,
 * });
 * String(figure); // 'lanes: 1 pass, 4.00 ms: 4.0 MiB read, 50% of that time while computing, stalled 25% of the time'
 * ```
 */
export function lanesFigure(chart: LaneChart): Figure {
  const drawn = prepareLanes(chart);
  const time = timeUnit(drawn.spanMs);
  return new Figure(
    spec(drawn, time),
    () =>
      drawSvg(
        (plot) => svg(plot, drawn, time),
        drawn,
        LANES.map((name) => ({ name, color: LANE[name] })),
      ),
    () => `lanes: ${drawn.summary}`,
  );
}

interface Bar extends Rectangle {
  readonly label: string;
}

function barsOf({ marks, readRows }: DrawnLanes, lane: LaneName, time: Unit): Bar[] {
  const before = Array<number>(readRows).fill(0);
  const own = marks.filter((mark) => mark.lane === lane);
  return own.map((mark) => ({
    x1: momentIn(mark.startMs, time),
    x2: momentIn(mark.endMs, time),
    ...heightsOf(mark, readRows),
    color: LANE[lane],
    opacity: before[mark.row]!++ % 2 === 0 ? 1 : PALER,
    label: mark.label,
  }));
}

function heightsOf({ lane, row }: LaneMark, readRows: number): { y1: number; y2: number } {
  const { from, to } = PLACES[lane];
  const height = (to - from) / (lane === 'read' ? readRows : 1);
  return { y1: from + row * height, y2: from + (row + 0.92) * height };
}

function middleOf(lane: LaneName): number {
  return (PLACES[lane].from + PLACES[lane].to) / 2;
}

function spec(drawn: DrawnLanes, time: Unit) {
  const { marks, passes, spanMs, summary, title } = drawn;
  const data = LANES.map((lane) => {
    const bars = barsOf(drawn, lane, time);
    return rectangleTrace(bars, {
      name: lane,
      text: bars.map(({ label }) => plotlyText(label)),
      hovertemplate: '%{text}<extra></extra>',
      marker: { color: LANE[lane], opacity: bars.map(({ opacity }) => opacity), line: { width: 0 } },
    });
  });
  const layout = plotlyLayout(title, summary, {
    height: HEIGHT,
    xaxis: plotlyAxis(`time (${time.name})`, { range: [0, momentIn(spanMs, time) || 1], zeroline: false }),
    yaxis: plotlyAxis('', {
      range: [BOTTOM, TOP],
      tickmode: 'array',
      tickvals: LANES.map(middleOf),
      ticktext: LANES,
      showgrid: false,
      zeroline: false,
      fixedrange: true,
    }),
    barmode: 'overlay',
    hovermode: 'closest',
    showlegend: true,
    legend: { traceorder: 'normal' },
    uirevision: 'lanes',
    shapes: passes.map((begin) => passLine(momentIn(begin, time))),
    annotations: marks.length === 0 ? [emptyNote()] : [],
  });
  return { data, layout };
}

function passLine(x: number): object {
  return {
    type: 'line',
    yref: 'paper',
    x0: x,
    x1: x,
    y0: 0,
    y1: 1,
    line: { color: GREY, width: 1, dash: 'dot' },
  };
}

const EMPTY = 'no work in the window';

function emptyNote(): object {
  return { text: EMPTY, showarrow: false, xref: 'paper', yref: 'paper', x: 0.5, y: 0.5 };
}

function svg(plot: Plot, drawn: DrawnLanes, time: Unit): PlotOptions {
  const bars = LANES.flatMap((lane) => barsOf(drawn, lane, time));
  const begins = drawn.passes.map((begin) => momentIn(begin, time));
  return {
    height: HEIGHT,
    marginLeft: 76,
    marginBottom: 56,
    x: { domain: [0, momentIn(drawn.spanMs, time) || 1] },
    y: { domain: [BOTTOM, TOP] },
    color: { type: 'identity' },
    marks: [
      plot.gridX({ ticks: 8, strokeOpacity: 0.15 }),
      plot.axisX({ ticks: 8, label: null }),
      plot.axisY(LANES.map(middleOf), {
        tickFormat: (at: number) => LANES.find((lane) => middleOf(lane) === at)!,
        tickSize: 0,
        label: null,
      }),
      plot.text([`time (${time.name})`], { frameAnchor: 'bottom', dy: 36 }),
      rectangleMark(plot, bars),
      plot.ruleX(begins, { stroke: GREY, strokeDasharray: '1 3' }),
      ...(bars.length === 0 ? [plot.text([EMPTY], { frameAnchor: 'middle' })] : []),
    ],
  };
}
