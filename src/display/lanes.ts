/** Reads, computes and stalls of layers in lanes over time, before they are drawn: cut to a window, a bounded number of marks. */
import { formatBytes, formatDuration } from '../units';
import { type Interval, intersection, lengthOf, union } from './intervals';
import { finite } from './scale';
import { percent, plural } from './wording';

export const LANES = ['read', 'compute', 'stall'] as const;
export type LaneName = (typeof LANES)[number];

/** A stretch of work for one layer. */
export interface LaneSpan extends Interval {
  /** A read lasts from when it is queued until its bytes are in memory. A stall is time in which computing waits for a read. */
  readonly lane: LaneName;
  readonly layer: string;
  /** that were read, computed with, or waited for */
  readonly bytes: number;
}

/** Work in the order of time, and the window of it that is looked at. Times in ms of one clock. */
export interface LaneChart {
  readonly title?: string;
  readonly spans: readonly LaneSpan[];
  /** when passes began */
  readonly passes: readonly number[];
  readonly fromMs: number;
  readonly toMs: number;
  /** how many events are missing */
  readonly lost?: number;
}

/** Spans of one row that are drawn as one; times from the beginning of the window. */
export interface LaneMark extends Interval {
  readonly lane: LaneName;
  /** within its lane: reads that are under way at the same time lie in rows of their own */
  readonly row: number;
  readonly label: string;
}

export interface DrawnLanes {
  readonly title: string;
  readonly summary: string;
  readonly marks: readonly LaneMark[];
  readonly passes: readonly number[];
  readonly spanMs: number;
  /** of the lane of reads, at least 1 */
  readonly readRows: number;
}

const MOST_MARKS = 600;
const MOST_READ_ROWS = 8;
/** More lines than these are a grey ground. */
const MOST_PASSES = 40;

/** Spans of one row, joined from neighbours. */
interface Group {
  readonly lane: LaneName;
  readonly row: number;
  readonly startMs: number;
  endMs: number;
  readonly spans: LaneSpan[];
}

/** Cuts to the window and joins neighbours until the marks are few enough. */
export function prepareLanes({ title, spans, passes, fromMs, toMs, lost = 0 }: LaneChart): DrawnLanes {
  const isWindow = Number.isFinite(fromMs) && Number.isFinite(toMs);
  const spanMs = isWindow ? Math.max(0, toMs - fromMs) : 0;
  const cut = isWindow ? spans.flatMap((span) => cutTo(span, fromMs, toMs)) : [];
  const rows = placeInRows(cut);
  const { groups, toleranceMs } = joinUntil(rows, MOST_MARKS, spanMs);
  const begun = passes.filter((time) => time >= fromMs && time < toMs).map((time) => time - fromMs);
  return {
    title: title ?? 'Reading and computing',
    summary: summarize(cut, { spanMs, passes: begun.length, toleranceMs, lost }),
    marks: groups.map(({ lane, row, startMs, endMs, spans }) => ({
      lane,
      row,
      startMs,
      endMs,
      label: labelOf(lane, spans),
    })),
    passes: begun.length > MOST_PASSES ? [] : begun,
    spanMs,
    readRows: 1 + groups.reduce((most, { lane, row }) => (lane === 'read' ? Math.max(most, row) : most), 0),
  };
}

/** The part of a span that lies in the window, which begins at 0 from then on; none for what is no span. */
function cutTo({ startMs, endMs, ...rest }: LaneSpan, fromMs: number, toMs: number): LaneSpan[] {
  const start = Math.max(startMs, fromMs) - fromMs;
  const end = Math.min(endMs, toMs) - fromMs;
  return start < end ? [{ ...rest, startMs: start, endMs: end }] : [];
}

/** Each span in the first row of its lane that is free when it begins; where none is, in the one that is free soonest. */
function placeInRows(spans: readonly LaneSpan[]): Group[] {
  return LANES.flatMap((lane) => {
    const most = lane === 'read' ? MOST_READ_ROWS : 1;
    const freeFrom: number[] = [];
    const own = spans.filter((span) => span.lane === lane).sort((a, b) => a.startMs - b.startMs);
    return own.map((span) => {
      let row = freeFrom.findIndex((time) => time <= span.startMs);
      if (row < 0) row = freeFrom.length < most ? freeFrom.length : freeFrom.indexOf(Math.min(...freeFrom));
      freeFrom[row] = Math.max(freeFrom[row] ?? 0, span.endMs);
      return { lane, row, startMs: span.startMs, endMs: span.endMs, spans: [span] };
    });
  });
}

/** Doubles the width within which neighbours are one mark until there are at most so many marks. */
function joinUntil(groups: readonly Group[], most: number, spanMs: number) {
  let joined = groups;
  let toleranceMs = 0;
  for (let width = spanMs / 1000; joined.length > most; width *= 2) {
    toleranceMs = width;
    joined = joinNeighbours(groups, width);
  }
  return { groups: joined, toleranceMs };
}

function joinNeighbours(groups: readonly Group[], widthMs: number): Group[] {
  const joined: Group[] = [];
  const lastOf = new Map<string, number>();
  for (const group of groups) {
    const key = `${group.lane} ${group.row}`;
    const index = lastOf.get(key);
    const last = index === undefined ? undefined : joined[index]!;
    if (last !== undefined && Math.max(last.endMs, group.endMs) - last.startMs <= widthMs) {
      last.endMs = Math.max(last.endMs, group.endMs);
      last.spans.push(...group.spans);
    } else {
      lastOf.set(key, joined.length);
      joined.push({ ...group, spans: [...group.spans] });
    }
  }
  return joined;
}

function labelOf(lane: LaneName, spans: readonly LaneSpan[]): string {
  const [first, last] = [spans[0]!.layer, spans.at(-1)!.layer];
  const layers = first === last ? first : `${first} to ${last}`;
  const bytes = formatBytes(spans.reduce((sum, span) => sum + finite(span.bytes), 0));
  const time = formatDuration(lengthOf(union(spans)));
  if (lane === 'compute') return `${layers}: ${bytes} computed with in ${time}`;
  const count = spans.length === 1 ? '' : `${plural(spans.length, lane)}, `;
  return lane === 'read'
    ? `${layers}: ${count}${bytes} queued and read in ${time}`
    : `${layers}: ${count}waited ${time} for ${bytes}`;
}

interface Counts {
  readonly spanMs: number;
  readonly passes: number;
  readonly toleranceMs: number;
  readonly lost: number;
}

function summarize(spans: readonly LaneSpan[], { spanMs, passes, toleranceMs, lost }: Counts): string {
  const missing = lost > 0 ? `; ${plural(lost, 'event')} lost` : '';
  if (spans.length === 0) return `no work in the window${missing}`;
  const of = (lane: LaneName) => spans.filter((span) => span.lane === lane);
  const [reading, computing, stalled] = LANES.map((lane) => union(of(lane))) as [
    Interval[],
    Interval[],
    Interval[],
  ];
  const bytes = formatBytes(of('read').reduce((sum, span) => sum + finite(span.bytes), 0));
  const beside = percent(lengthOf(intersection(reading, computing)) / lengthOf(reading));
  const counted = passes > 0 ? `${passes} ${passes === 1 ? 'pass' : 'passes'}, ` : '';
  const read =
    reading.length === 0 ? 'nothing read' : `${bytes} read, ${beside} of that time while computing`;
  const wait = `stalled ${percent(lengthOf(stalled) / spanMs)} of the time`;
  const joined = toleranceMs > 0 ? `; what lies within ${formatDuration(toleranceMs)} is joined` : '';
  return `${counted}${formatDuration(spanMs)}: ${read}, ${wait}${joined}${missing}`;
}
