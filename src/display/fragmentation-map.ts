/** Where live blocks and holes lie, and how a map of any length is thinned to a bounded number of cells. */
import { finite } from './scale';

/** A stretch of addresses: a live block, a hole, or what its holder keeps from use (roundings, room set aside). */
export interface MemorySpan {
  /** bytes from the begin of the first segment; segments follow each other without a gap */
  readonly offset: number;
  readonly bytes: number;
  readonly state: SpanState;
  /** what a live block is for */
  readonly tag?: string;
}

export type SpanState = 'used' | 'free' | 'reserved';

/** The memory that one holder has reserved, in the order of its addresses. */
export interface FragmentationMap {
  readonly title?: string;
  readonly spans: readonly MemorySpan[];
  readonly reservedBytes: number;
  readonly largestFreeBytes: number;
  /** 1 - largest free / free, from 0 to 1 */
  readonly externalFragmentation: number;
  /** How many holes there are, where `spans` has been thinned. Default: as many as free spans. */
  readonly holes?: number;
}

/** A strip of the picture: spans within one row. */
export interface MapRow {
  readonly offset: number;
  readonly cells: readonly (readonly MemorySpan[])[];
}

/** A map divided into rows of equal length, each of them into cells of which none holds more than three spans. */
export interface MapRows {
  readonly rowBytes: number;
  readonly cellBytes: number;
  readonly rows: readonly MapRow[];
}

const MOST_ROWS = 16;
const CELLS_PER_ROW = 64;
const MOST_SPANS_OF_CELL = 3;
/** Up to so many spans a map is kept as it is. */
const MOST_SPANS = 2048;

/** Lays a map out in rows. A cell with many spans gets one of each state instead, of the same bytes: a hole stays a hole. */
export function rowsOf(spans: readonly MemorySpan[]): MapRows {
  const drawn = spans.map(clean).filter(({ bytes }) => bytes > 0);
  const extent = drawn.reduce((end, { offset, bytes }) => Math.max(end, offset + bytes), 0);
  const rowBytes = Math.max(CELLS_PER_ROW, 2 ** Math.ceil(Math.log2(extent / MOST_ROWS || 1)));
  const cellBytes = rowBytes / CELLS_PER_ROW;
  const cells = cellsOf(drawn, cellBytes);
  const rows = Array.from({ length: Math.ceil(extent / rowBytes) }, (_, row) => ({
    offset: row * rowBytes,
    cells: Array.from({ length: CELLS_PER_ROW }, (_, cell) =>
      summarizeCell(cells.get(row * CELLS_PER_ROW + cell) ?? []),
    ),
  }));
  return { rowBytes, cellBytes, rows };
}

/** The map itself when it is short, else one of the same bytes and the same count of holes with a bounded number of spans. */
export function boundMap<Map extends FragmentationMap>(map: Map): Map {
  if (map.spans.length <= MOST_SPANS) return map;
  const spans = rowsOf(map.spans).rows.flatMap(({ cells }) => cells.flat());
  return { ...map, spans: joinSpans(spans), holes: holesOf(map) };
}

/** How many holes a map has. */
export function holesOf({ holes, spans }: FragmentationMap): number {
  return holes ?? spans.filter(({ state, bytes }) => state === 'free' && bytes > 0).length;
}

/** Neighbours of one state and one tag become one span. */
export function joinSpans(spans: readonly MemorySpan[]): MemorySpan[] {
  const joined: MemorySpan[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    if (last && isAlike(last, span) && last.offset + last.bytes === span.offset) {
      joined[joined.length - 1] = { ...last, bytes: last.bytes + span.bytes };
    } else joined.push(span);
  }
  return joined;
}

function isAlike(one: MemorySpan, other: MemorySpan): boolean {
  return one.state === other.state && one.tag === other.tag;
}

function clean(span: MemorySpan): MemorySpan {
  return { ...span, offset: finite(span.offset), bytes: finite(span.bytes) };
}

/** Spans cut where cells end. */
function cellsOf(spans: readonly MemorySpan[], cellBytes: number): Map<number, MemorySpan[]> {
  const cells = new Map<number, MemorySpan[]>();
  for (const span of spans) {
    const end = span.offset + span.bytes;
    for (let offset = span.offset; offset < end; ) {
      const index = Math.floor(offset / cellBytes);
      const until = Math.min(end, (index + 1) * cellBytes);
      const part = { ...span, offset, bytes: until - offset };
      const cell = cells.get(index);
      if (cell) cell.push(part);
      else cells.set(index, [part]);
      offset = until;
    }
  }
  return cells;
}

function summarizeCell(spans: readonly MemorySpan[]): readonly MemorySpan[] {
  if (spans.length <= MOST_SPANS_OF_CELL) return spans;
  const kept: MemorySpan[] = [];
  let { offset } = spans[0]!;
  for (const state of ['used', 'reserved', 'free'] as const) {
    const own = spans.filter((span) => span.state === state);
    const bytes = own.reduce((sum, span) => sum + span.bytes, 0);
    if (bytes > 0) kept.push({ offset, bytes, state, tag: mainTag(own) });
    offset += bytes;
  }
  return kept;
}

/** The tag with the most bytes. */
function mainTag(spans: readonly MemorySpan[]): string | undefined {
  const bytes = new Map<string | undefined, number>();
  for (const span of spans) bytes.set(span.tag, (bytes.get(span.tag) ?? 0) + span.bytes);
  return [...bytes].reduce((most, each) => (each[1] > most[1] ? each : most))[0];
}
