/** What a report says, in which order: the same sections for a terminal and for a page, which only write them differently. */
import { formatBytes, formatCount } from '../units';
import type { Figure } from './figure';
import { fragmentationFigure } from './fragmentation-figure';
import { histogramFigure } from './histogram-figure';
import type { Advice, MemoryReport, ReportedBlock, ReportList, ReportTotals } from './report';
import { type Cell, type Column, Table } from './table';
import { usageFigure } from './usage-figure';
import { clip, type Detail, detailOf, percent, shown } from './wording';

export interface ReportSection {
  readonly title: string;
  readonly facts?: readonly Detail[];
  readonly advice?: readonly Advice[];
  readonly table?: Table;
  readonly figures?: readonly Figure[];
  /** a sentence after all of these */
  readonly note?: string;
}

const LONGEST_TEXT = 160;
const BYTES = { label: 'bytes', unit: 'bytes' } as const;

/** The sections of a report; those with nothing to say are left out, leaks and misuse excepted. */
export function sectionsOf(report: MemoryReport): readonly ReportSection[] {
  return [
    { title: 'Totals', facts: factsOf(report.totals) },
    adviceSection(report),
    ...timelineSection(report),
    ...holderSection(report),
    ...tagSection(report),
    ...histogramSection(report),
    ...fragmentationSection(report),
    ...largestSection(report),
    leakSection(report),
    misuseSection(report),
    ...processSection(report),
  ];
}

function factsOf(totals: ReportTotals): Detail[] {
  const bytes = (label: string, value: number) => ({ label, text: shown(value, formatBytes) });
  const count = (label: string, value: number) => ({ label, text: shown(value, formatCount) });
  const share = (label: string, value: number) => ({ label, text: percent(value) });
  const ratio = (label: string, value: number) => ({ label, text: shown(value, (each) => each.toFixed(2)) });
  const plan = totals.planPeakOverLowerBound;
  return [
    bytes('current', totals.currentBytes),
    bytes('peak', totals.peakBytes),
    bytes('reserved', totals.reservedBytes),
    bytes('reserved at most', totals.reservedPeakBytes),
    ratio('reserved / active', totals.reservedOverActive),
    share('external fragmentation', totals.externalFragmentation),
    share('internal fragmentation', totals.internalFragmentation),
    count('live blocks', totals.liveBlocks),
    count('allocations', totals.allocations),
    count('frees', totals.frees),
    bytes('allocated in all', totals.totalAllocatedBytes),
    ...(plan === null ? [] : [ratio('planned peak / lower bound', plan)]),
  ];
}

function adviceSection(report: MemoryReport): ReportSection {
  const title = 'Advice';
  if (report.advice.length === 0) return { title, note: 'Nothing stands out.' };
  return { title, advice: report.advice, note: moreOf(report, 'advice') };
}

function timelineSection({ timeline: { limitBytes, samples } }: MemoryReport): ReportSection[] {
  if (samples.length === 0) return [];
  return [
    {
      title: 'Over time',
      figures: [usageFigure({ series: [{ name: 'all holders', samples }], limitBytes })],
    },
  ];
}

function holderSection(report: MemoryReport): ReportSection[] {
  const columns: (Column | string)[] = [
    'name',
    'kind',
    'strategy',
    { label: 'current', unit: 'bytes' },
    { label: 'peak', unit: 'bytes' },
    { label: 'reserved', unit: 'bytes' },
    { label: 'limit', unit: 'bytes' },
    { label: 'blocks', unit: 'count' },
    { label: 'external', unit: 'percent' },
    { label: 'internal', unit: 'percent' },
  ];
  const rows = report.holders.map((holder) => [
    holder.name,
    holder.kind,
    holder.strategy,
    holder.currentBytes,
    holder.peakBytes,
    holder.reservedBytes,
    holder.limitBytes,
    holder.liveBlocks,
    holder.externalFragmentation,
    holder.internalFragmentation,
  ]);
  return tableSection('Pools, allocators and sessions', columns, rows, moreOf(report, 'holders'));
}

function tagSection(report: MemoryReport): ReportSection[] {
  const columns = ['tag', { label: 'current', unit: 'bytes' }, { label: 'blocks', unit: 'count' }] as const;
  const rows = report.byTag.map(({ tag, currentBytes, blocks }) => [tag, currentBytes, blocks]);
  return tableSection('By tag', columns, rows, moreOf(report, 'byTag'));
}

function histogramSection({ sizes, lifetimes }: MemoryReport): ReportSection[] {
  const figures = [
    ...(sizes.length ? [histogramFigure({ title: 'Sizes', unit: 'bytes', bins: sizes })] : []),
    ...(lifetimes.length ? [histogramFigure({ title: 'Lifetimes', unit: 'duration', bins: lifetimes })] : []),
  ];
  return figures.length ? [{ title: 'Blocks by size and by lifetime', figures }] : [];
}

function fragmentationSection(report: MemoryReport): ReportSection[] {
  if (report.fragmentation.length === 0) return [];
  const figures = report.fragmentation.map(({ holder, ...map }) =>
    fragmentationFigure({ ...map, title: clip(map.title ?? holder, LONGEST_TEXT) }),
  );
  return [{ title: 'Fragmentation', figures, note: moreOf(report, 'fragmentation') }];
}

const BLOCK_COLUMNS: readonly (Column | string)[] = [
  'holder',
  'tag',
  BYTES,
  { label: 'allocated at', unit: 'duration' },
  'call site',
];

function blockCells({ holder, tag, bytes, allocatedAtMs, callSite }: ReportedBlock): Cell[] {
  return [holder, tag, bytes, allocatedAtMs, callSite];
}

function largestSection(report: MemoryReport): ReportSection[] {
  const rows = report.largestBlocks.map(blockCells);
  return tableSection('Largest blocks', BLOCK_COLUMNS, rows, moreOf(report, 'largestBlocks'));
}

function leakSection(report: MemoryReport): ReportSection {
  const rows = report.leaks.map((leak) => [...blockCells(leak), leak.closed ? 'closed' : 'open']);
  const columns = [...BLOCK_COLUMNS, 'its holder is'];
  const [section] = tableSection('Leaks', columns, rows, moreOf(report, 'leaks'));
  return section ?? { title: 'Leaks', note: 'None.' };
}

function misuseSection(report: MemoryReport): ReportSection {
  const columns = [
    'kind',
    'holder',
    'tag',
    BYTES,
    { label: 'at', unit: 'duration' },
    'message',
    'call site',
  ] as const;
  const rows = report.misuses.map(({ kind, holder, tag, bytes, timeMs, message, callSite }) => [
    kind,
    holder,
    tag,
    bytes,
    timeMs,
    message,
    callSite,
  ]);
  const [section] = tableSection('Misuse', columns, rows, moreOf(report, 'misuses'));
  return section ?? { title: 'Misuse', note: 'None.' };
}

function processSection({ process }: MemoryReport): ReportSection[] {
  if (!process) return [];
  const facts = Object.entries(process).map(([name, value]) =>
    detailOf(name, Number.isFinite(value) ? value : '–'),
  );
  return [{ title: 'The process', facts }];
}

function tableSection(
  title: string,
  columns: readonly (Column | string)[],
  rows: readonly (readonly Cell[])[],
  note: string | undefined,
): ReportSection[] {
  if (rows.length === 0) return [];
  const short = rows.map((row) =>
    row.map((cell) => (typeof cell === 'string' ? clip(cell, LONGEST_TEXT) : cell)),
  );
  return [{ title, table: new Table(columns, short, { maxRows: rows.length }), note }];
}

function moreOf({ omitted }: MemoryReport, list: ReportList): string | undefined {
  const count = omitted?.[list] ?? 0;
  return count > 0 ? `… ${formatCount(count)} more` : undefined;
}
