/** Fragmentation: the addresses that a holder has reserved, wrapped into rows, with live blocks by tag and the holes between. */
import { formatBytes } from '../units';
import { Figure } from './figure';
import { type FragmentationMap, holesOf, type MapRows, type MemorySpan, rowsOf } from './fragmentation-map';
import { plotlyAxis, plotlyLayout, plotlyText } from './layout';
import { colorsOf, FAINT, GREY } from './palette';
import { byteUnit, finite, inUnit, type Unit } from './scale';
import { drawSvg, type Plot, type PlotOptions } from './svg';
import { percent, plural } from './wording';

/** Tags beyond these share one colour. */
const MOST_TAGS = 7;
const OTHER = 'other';
const UNTAGGED = 'live';
/** The part of a cell that the smallest hole takes up, so that it can be seen. */
const SMALLEST_HOLE = 0.2;

/** What a colour stands for. */
interface Kind {
  readonly name: string;
  readonly color: string;
}

/** A rectangle of the picture; `from` and `to` in bytes from the begin of its row. */
interface Strip {
  readonly row: number;
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  readonly kind: Kind;
}

interface DrawnMap extends MapRows {
  readonly title: string;
  readonly summary: string;
  readonly kinds: readonly Kind[];
  readonly strips: readonly Strip[];
  readonly unit: Unit;
}

/**
 * Draws where live blocks and holes lie. However long the map, the picture is bounded, and a hole of any size shows.
 *
 * @example
 * ```ts
 * const figure = fragmentationFigure({
 *   spans: [
 *     { offset: 0, bytes: 4096, state: 'used', tag: 'rows' },
 *     { offset: 4096, bytes: 8192, state: 'free' },
 *   ],
 *   reservedBytes: 12288,
 *   largestFreeBytes: 8192,
 *   externalFragmentation: 0,
 * });
 * String(figure); // 'fragmentation: 1 hole, largest 8.0 KiB of 8.0 KiB free, external 0%'
 * ```
 */
export function fragmentationFigure(map: FragmentationMap): Figure {
  const drawn = prepareMap(map);
  return new Figure(
    mapSpec(drawn),
    () => drawSvg((plot) => mapPlot(plot, drawn), drawn, drawn.kinds),
    () => `${map.title ?? 'fragmentation'}: ${drawn.summary}`,
  );
}

function prepareMap(map: FragmentationMap): DrawnMap {
  const laid = rowsOf(map.spans);
  const { kinds, kindOf } = kindsOf(map.spans);
  return {
    ...laid,
    title: map.title ?? 'Fragmentation',
    summary: summarize(map),
    kinds,
    strips: stripsOf(laid, kindOf),
    unit: byteUnit(laid.rowBytes),
  };
}

function summarize(map: FragmentationMap): string {
  const reserved = finite(map.reservedBytes);
  const holes = holesOf(map);
  if (reserved === 0) return 'nothing reserved';
  if (holes === 0) return `no holes in ${formatBytes(reserved)}`;
  const free = bytesOf(map.spans.filter(({ state }) => state === 'free'));
  const largest = formatBytes(finite(map.largestFreeBytes));
  return `${plural(holes, 'hole')}, largest ${largest} of ${formatBytes(free)} free, external ${percent(map.externalFragmentation)}`;
}

function bytesOf(spans: readonly MemorySpan[]): number {
  return spans.reduce((sum, span) => sum + finite(span.bytes), 0);
}

/** Tags by their bytes, the largest first, then what is kept from use, then holes: of each what there is. */
function kindsOf(spans: readonly MemorySpan[]) {
  const bytes = new Map<string, number>();
  for (const span of spans) {
    if (span.state !== 'used') continue;
    const tag = span.tag ?? UNTAGGED;
    bytes.set(tag, (bytes.get(tag) ?? 0) + finite(span.bytes));
  }
  const tags = [...bytes].sort((one, two) => two[1] - one[1]).map(([tag]) => tag);
  const named = tags.slice(0, MOST_TAGS);
  if (tags.length > MOST_TAGS) named.push(OTHER);
  const colors = colorsOf(named);
  const used = named.map((name, index) => ({ name, color: colors[index]! }));
  const reserved = { name: 'reserved', color: GREY };
  const free = { name: 'free', color: FAINT };
  const has = (state: MemorySpan['state']) => spans.some((span) => span.state === state);
  const byName = new Map(used.map((kind) => [kind.name, kind]));
  return {
    kinds: [...used, ...(has('reserved') ? [reserved] : []), ...(has('free') ? [free] : [])],
    kindOf: ({ state, tag }: MemorySpan): Kind => {
      if (state === 'free') return free;
      return state === 'reserved' ? reserved : (byName.get(tag ?? UNTAGGED) ?? byName.get(OTHER)!);
    },
  };
}

function stripsOf({ rows, cellBytes }: MapRows, kindOf: (span: MemorySpan) => Kind): Strip[] {
  const strips: Strip[] = [];
  rows.forEach(({ offset, cells }, row) => {
    for (const cell of cells) {
      let from = (cell[0]?.offset ?? 0) - offset;
      const widths = widthsOf(cell, cellBytes * SMALLEST_HOLE);
      cell.forEach((span, index) => {
        addStrip(strips, { row, from, to: from + widths[index]!, bytes: span.bytes, kind: kindOf(span) });
        from += widths[index]!;
      });
    }
  });
  return strips;
}

/** How wide the spans of a cell are drawn: as wide as they are, but that no hole is narrower than `least`. */
function widthsOf(cell: readonly MemorySpan[], least: number): number[] {
  const wanted = cell.map(({ state, bytes }) => (state === 'free' ? Math.max(bytes, least) : bytes));
  const sum = wanted.reduce((all, width) => all + width, 0);
  return wanted.map((width) => (width * bytesOf(cell)) / sum);
}

/** Neighbours of one kind become one strip. */
function addStrip(strips: Strip[], strip: Strip): void {
  const last = strips.at(-1);
  const touches = last?.row === strip.row && last.kind === strip.kind && last.to === strip.from;
  if (touches) strips[strips.length - 1] = { ...last, to: strip.to, bytes: last.bytes + strip.bytes };
  else strips.push(strip);
}

function mapSpec({ kinds, rowBytes, rows, strips, summary, title, unit }: DrawnMap) {
  const data = kinds.map((kind) => {
    const own = strips.filter((strip) => strip.kind === kind);
    return {
      type: 'bar',
      orientation: 'h',
      name: plotlyText(kind.name),
      base: own.map(({ from }) => inUnit(from, unit)),
      x: own.map(({ from, to }) => inUnit(to - from, unit)),
      y: own.map(({ row }) => row),
      text: own.map(({ bytes, row, from }) =>
        plotlyText(`${kind.name}, ${formatBytes(bytes)} at ${formatBytes(rows[row]!.offset + from)}`),
      ),
      textposition: 'none',
      hovertemplate: '%{text}<extra></extra>',
      marker: { color: kind.color },
    };
  });
  const layout = plotlyLayout(title, summary, {
    xaxis: plotlyAxis(`within a row (${unit.name})`, { range: [0, inUnit(rowBytes, unit)], showgrid: false }),
    // Without a title, which plotly would draw over the longest of these addresses.
    yaxis: plotlyAxis('', {
      tickmode: 'array',
      tickvals: rows.map((_, row) => row),
      ticktext: rows.map(({ offset }) => formatBytes(offset)),
      range: [rows.length - 0.5, -0.5],
      showgrid: false,
      zeroline: false,
    }),
    barmode: 'overlay',
    bargap: 0.2,
    showlegend: true,
    uirevision: 'fragmentation',
  });
  return { data, layout };
}

function mapPlot(plot: Plot, { rowBytes, rows, strips, unit }: DrawnMap): PlotOptions {
  return {
    marginLeft: 80,
    marginBottom: 56,
    height: 336,
    x: { domain: [0, inUnit(rowBytes, unit)] },
    y: { domain: rows.map((_, row) => row), padding: 0.2 },
    color: { type: 'identity' },
    marks: [
      plot.barX(strips, {
        x1: ({ from }: Strip) => inUnit(from, unit),
        x2: ({ to }: Strip) => inUnit(to, unit),
        y: 'row',
        fill: ({ kind }: Strip) => kind.color,
      }),
      plot.axisX({ ticks: 8, label: null }),
      plot.text([`within a row (${unit.name})`], { frameAnchor: 'bottom', dy: 36 }),
      plot.axisY({ tickFormat: (row: number) => formatBytes(rows[row]!.offset), tickSize: 0, label: null }),
      ...(rows.length === 0 ? [plot.text(['nothing reserved'], { frameAnchor: 'middle' })] : []),
    ],
  };
}
