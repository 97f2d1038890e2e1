/** Memory over time: what each tag held, the current and the peak total, the budget, and layers coming and going. */
import { formatBytes } from '../units';
import { Figure } from './figure';
import { limitLine, plotlyAxis, plotlyLayout, plotlyText } from './layout';
import { memorySvg } from './memory-svg';
import { colorOf, GREY, VERMILION } from './palette';
import { byteUnit, inUnit, momentIn, timeUnit, type Unit } from './scale';
import {
  type DrawnTimeline,
  describeTimeline,
  type MarkGroup,
  type MemoryTimeline,
  prepareTimeline,
  topOf,
} from './timeline';

const EVICT_ROW = 0;
const LOAD_ROW = 1;

/**
 * Draws memory over time: a band per tag, current and peak, the budget, and a tick for each layer loaded or evicted.
 * Long recordings are thinned to what a screen shows; their peaks survive.
 *
 * @example
 * ```ts
 * const figure = memoryFigure({
 *   budgetBytes: 4194304,
 *   tags: ['weights'],
 *   samples: [{ timeMs: 0, currentBytes: 1048576, peakBytes: 1048576, byTag: [1048576] }],
 *   marks: [],
 * });
 * String(figure); // 'memory: peak 1.0 MiB of a 4.0 MiB budget over 0.00 ms; 0 loads, 0 evictions'
 * ```
 */
export function memoryFigure(timeline: MemoryTimeline): Figure {
  const drawn = prepareTimeline(timeline);
  const top = topOf(drawn);
  const bytes = byteUnit(top);
  const time = timeUnit(drawn.spanMs);
  const spec = {
    data: [
      ...memoryTraces(drawn, bytes, time),
      ...budgetTraces(drawn, bytes, time),
      ...markTraces(drawn, time),
    ],
    layout: memoryLayout(drawn, inUnit(top, bytes), bytes, time),
  };
  return new Figure(
    spec,
    () => memorySvg(drawn, bytes, time),
    () => describeTimeline(drawn),
  );
}

function memoryTraces({ samples, tags, showsReserved }: DrawnTimeline, bytes: Unit, time: Unit): object[] {
  const x = samples.map((sample) => momentIn(sample.timeMs, time));
  // Memory keeps its size until it changes: steps, not slopes. A single sample has no line, so it shows as a point.
  const trace = (name: string, values: readonly number[], line: object, rest: object) => ({
    type: 'scatter',
    mode: samples.length === 1 ? 'markers' : 'lines',
    name: plotlyText(name),
    x,
    y: values.map((value) => inUnit(value, bytes)),
    line: { shape: 'hv', ...line },
    hovertemplate: `%{y:.4~g} ${bytes.name}`,
    ...rest,
  });
  const bands = tags.map((tag, index) => {
    const color = colorOf(tag, index);
    const values = samples.map((sample) => sample.byTag[index]!);
    return trace(tag, values, { width: 0, color }, { stackgroup: 'tags', fillcolor: color });
  });
  const of = (values: readonly number[], name: string, line: object) =>
    trace(name, values, { color: GREY, ...line }, {});
  const reserved = samples.map((sample) => sample.reservedBytes ?? 0);
  return [
    ...bands,
    ...(showsReserved ? [of(reserved, 'reserved', { width: 1, dash: 'dash' })] : []),
    of(
      samples.map((sample) => sample.currentBytes),
      'current',
      { width: 1 },
    ),
    of(
      samples.map((sample) => sample.peakBytes),
      'peak',
      { width: 2, dash: 'dot' },
    ),
  ];
}

/** A budget that changed is a line of steps, with gaps where there was none. */
function budgetTraces({ budgets }: DrawnTimeline, bytes: Unit, time: Unit): object[] {
  if (budgets.length === 0) return [];
  const trace = {
    type: 'scatter',
    mode: 'lines',
    name: 'budget',
    x: budgets.map(({ timeMs }) => momentIn(timeMs, time)),
    y: budgets.map((step) => (step.bytes === null ? null : inUnit(step.bytes, bytes))),
    line: { shape: 'hv', width: 2, dash: 'dash', color: VERMILION },
    hovertemplate: `%{y:.4~g} ${bytes.name}`,
  };
  return [trace];
}

/** Two rows of ticks, each a single line like a comb: plotly draws that many times faster than markers, or a line with gaps. */
function markTraces({ loads, evictions }: DrawnTimeline, time: Unit): object[] {
  const ticks = (name: string, groups: readonly MarkGroup[], row: number) => ({
    type: 'scatter',
    mode: 'lines',
    name,
    x: groups.flatMap(({ timeMs }) => Array(3).fill(momentIn(timeMs, time))),
    y: groups.flatMap(() => [row, row + 0.75, row]),
    yaxis: 'y2',
    text: groups.flatMap(({ label }) => Array(3).fill(plotlyText(label))),
    hovertemplate: '%{text}',
    line: { width: 1, color: GREY },
    showlegend: false,
  });
  return [ticks('evict', evictions, EVICT_ROW), ticks('load', loads, LOAD_ROW)];
}

function memoryLayout(drawn: DrawnTimeline, top: number, bytes: Unit, time: Unit): object {
  const { budgetBytes, samples, spanMs, summary, title } = drawn;
  return plotlyLayout(title, summary, {
    xaxis: plotlyAxis(`time (${time.name})`, { range: [0, momentIn(spanMs, time) || 1], anchor: 'y2' }),
    yaxis: plotlyAxis(`memory (${bytes.name})`, { range: [0, top * 1.12 || 1], domain: [0.17, 1] }),
    yaxis2: {
      tickmode: 'array',
      tickvals: [EVICT_ROW + 0.5, LOAD_ROW + 0.5],
      ticktext: ['evict', 'load'],
      range: [EVICT_ROW - 0.1, LOAD_ROW + 1],
      domain: [0, 0.13],
      showgrid: false,
      zeroline: false,
      fixedrange: true,
      ticks: 'outside',
      ticklen: 5,
      tickcolor: 'rgba(0,0,0,0)',
    },
    hovermode: 'x unified',
    legend: { traceorder: 'reversed' },
    // Zoom and hidden traces survive the redraws of a chart that moves.
    uirevision: 'memory',
    shapes:
      budgetBytes === null
        ? []
        : [limitLine(inUnit(budgetBytes, bytes), `budget ${formatBytes(budgetBytes)}`)],
    annotations: samples.length === 0 ? [emptyNote()] : [],
  });
}

function emptyNote(): object {
  return { text: 'no samples yet', showarrow: false, xref: 'paper', yref: 'paper', x: 0.5, y: 0.6 };
}
