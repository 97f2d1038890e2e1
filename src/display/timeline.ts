/** The data behind the memory figure, and what is done to it before it is drawn: times from zero, a bounded size. */
import { formatBytes, formatDuration } from '../units';
import { finite, largest, moment } from './scale';
import { sparkline } from './sparkline';
import { type SlotOf, slotsOf, thin } from './thin';
import { plural } from './wording';

/** What the engine held at one moment. */
export interface MemorySample {
  readonly timeMs: number;
  readonly currentBytes: number;
  readonly peakBytes: number;
  /** Bytes held from the operating system, where that may be more than is handed out. */
  readonly reservedBytes?: number;
  /** Bytes by tag, in the order of the timeline's `tags`. */
  readonly byTag: readonly number[];
}

/** A layer that came or went. */
export interface MemoryMark {
  readonly timeMs: number;
  readonly kind: 'load' | 'evict';
  readonly layer: string;
  readonly bytes: number;
}

/** A limit from a moment on; null when there is none. */
export interface BudgetStep {
  readonly timeMs: number;
  readonly bytes: number | null;
}

/** Memory over time, in bytes and milliseconds. Samples and marks are in the order of time. */
export interface MemoryTimeline {
  readonly title?: string;
  /** The limit; null when there is none. */
  readonly budgetBytes: number | null;
  /** All limits in the order of time, where there was more than one. */
  readonly budgets?: readonly BudgetStep[];
  readonly tags: readonly string[];
  readonly samples: readonly MemorySample[];
  readonly marks: readonly MemoryMark[];
}

/** Marks of one kind that fall into the same moment of the picture. */
export interface MarkGroup {
  readonly timeMs: number;
  readonly label: string;
}

/** A timeline ready to draw. */
export interface DrawnTimeline {
  readonly title: string;
  /** null also where the limit changed: then it is in `budgets` */
  readonly budgetBytes: number | null;
  /** where the limit changed, all of them, the last one to the end */
  readonly budgets: readonly BudgetStep[];
  readonly tags: readonly string[];
  readonly samples: readonly MemorySample[];
  readonly loads: readonly MarkGroup[];
  readonly evictions: readonly MarkGroup[];
  readonly spanMs: number;
  readonly peakBytes: number;
  /** Whether more was reserved than handed out at some moment, so that it is a line of its own. */
  readonly showsReserved: boolean;
  readonly summary: string;
}

/** Times counted from the first sample, samples and marks thinned to what a screen can show; peaks survive. */
export function prepareTimeline(timeline: MemoryTimeline): DrawnTimeline {
  const valid = timeline.samples.filter((sample) => Number.isFinite(sample.timeMs));
  const marks = timeline.marks.filter((mark) => Number.isFinite(mark.timeMs));
  const start = Math.min(valid[0]?.timeMs ?? Infinity, marks[0]?.timeMs ?? Infinity);
  const samples = mergeMoments(valid.map((sample) => clean(sample, start, timeline.tags.length)));
  const spanMs =
    Math.max(0, (valid.at(-1)?.timeMs ?? start) - start, (marks.at(-1)?.timeMs ?? start) - start) || 0;
  const budgets = stepsOf(timeline.budgets ?? [], start, spanMs);
  const budgetBytes = budgets.length > 0 ? null : finite(timeline.budgetBytes ?? 0) || null;
  const slotOf = slotsOf(spanMs);
  const group = (kind: MemoryMark['kind']) =>
    groupMarks(
      marks.filter((mark) => mark.kind === kind),
      start,
      slotOf,
    );
  return {
    title: timeline.title ?? 'Memory',
    budgetBytes,
    budgets,
    tags: timeline.tags,
    samples: thin(samples, slotOf, (sample) => sample.currentBytes),
    loads: group('load'),
    evictions: group('evict'),
    spanMs,
    peakBytes: largest(samples, (sample) =>
      Math.max(sample.currentBytes, sample.peakBytes, sample.reservedBytes ?? 0),
    ),
    showsReserved: samples.some(({ reservedBytes = 0, currentBytes }) => reservedBytes > currentBytes),
    summary: summarize(samples, marks, { budgetBytes, budgets }, spanMs),
  };
}

/** The most bytes that the picture has to hold. */
export function topOf({ budgetBytes, budgets, peakBytes }: DrawnTimeline): number {
  return Math.max(
    budgetBytes ?? 0,
    peakBytes,
    largest(budgets, ({ bytes }) => bytes ?? 0),
  );
}

/** The figure in words and, when there is a curve, a curve of blocks. */
export function describeTimeline({ samples, summary, budgetBytes, peakBytes }: DrawnTimeline): string {
  if (samples.length < 2) return `memory: ${summary}`;
  const curve = sparkline(
    samples.map((sample) => sample.currentBytes),
    budgetBytes ?? peakBytes,
  );
  return `memory: ${summary}\n${curve}`;
}

function summarize(
  samples: readonly MemorySample[],
  marks: readonly MemoryMark[],
  { budgetBytes, budgets }: Pick<DrawnTimeline, 'budgetBytes' | 'budgets'>,
  spanMs: number,
): string {
  const limit = limitOf(budgetBytes, budgets);
  if (samples.length === 0) return `no samples yet; ${limit}`;
  const peak = formatBytes(largest(samples, (sample) => Math.max(sample.currentBytes, sample.peakBytes)));
  const loads = marks.filter((mark) => mark.kind === 'load').length;
  const share = budgetBytes === null ? `peak ${peak}, ${limit},` : `peak ${peak} of ${limit}`;
  return `${share} over ${formatDuration(spanMs)}; ${plural(loads, 'load')}, ${plural(marks.length - loads, 'eviction')}`;
}

function limitOf(budgetBytes: number | null, budgets: readonly BudgetStep[]): string {
  if (budgetBytes !== null) return `a ${formatBytes(budgetBytes)} budget`;
  if (budgets.length === 0) return 'no budget';
  const sizes = budgets.map(({ bytes }) => bytes ?? Number.POSITIVE_INFINITY);
  return `budgets from ${formatBytes(Math.min(...sizes))} to ${formatBytes(Math.max(...sizes))}`;
}

/** Steps from the beginning to the end of the picture; none where the limit stayed the same. */
function stepsOf(budgets: readonly BudgetStep[], start: number, spanMs: number): BudgetStep[] {
  if (budgets.length < 2) return [];
  const steps = budgets.map(({ timeMs, bytes }) => ({
    timeMs: Math.min(spanMs, moment(finite(timeMs - start))),
    bytes: finite(bytes ?? 0) || null,
  }));
  return [...steps, { timeMs: spanMs, bytes: steps.at(-1)!.bytes }];
}

function clean(sample: MemorySample, start: number, tags: number): MemorySample {
  return {
    timeMs: moment(sample.timeMs - start),
    currentBytes: finite(sample.currentBytes),
    peakBytes: finite(sample.peakBytes),
    reservedBytes: finite(sample.reservedBytes),
    byTag: Array.from({ length: tags }, (_, tag) => finite(sample.byTag[tag])),
  };
}

/** One sample for one moment, the largest: bands stacked twice at the same place would be twice as high. */
function mergeMoments(samples: readonly MemorySample[]): readonly MemorySample[] {
  const moments = new Map<number, MemorySample>();
  for (const sample of samples) {
    const other = moments.get(sample.timeMs);
    if (!other || other.currentBytes < sample.currentBytes) moments.set(sample.timeMs, sample);
  }
  return [...moments.values()];
}

function groupMarks(marks: readonly MemoryMark[], start: number, slotOf: SlotOf): MarkGroup[] {
  const groups = new Map<number, MemoryMark[]>();
  for (const mark of marks) {
    const slot = slotOf(mark.timeMs - start);
    const group = groups.get(slot);
    if (group) group.push(mark);
    else groups.set(slot, [mark]);
  }
  return [...groups.values()].map((group) => {
    const first = group[0]!;
    const bytes = group.reduce((sum, mark) => sum + finite(mark.bytes), 0);
    const names = group.length === 1 ? first.layer : `${group.length} layers, ${first.layer} first`;
    return { timeMs: moment(first.timeMs - start), label: `${names}, ${formatBytes(bytes)}` };
  });
}
