/** The memory report: everything that is known of memory in this process, written to a file or shown in a notebook. */
import { extname } from 'node:path';
import {
  type HistogramBin,
  jupyterDisplay,
  type LeakedBlock,
  type MimeBundle,
  type MemoryReport as ReportData,
  type ReportedBlock,
  reportHtml,
  reportJson,
  reportText,
  type UsageSample,
} from '../display';
import { HyperionError } from '../errors';
import { writeWhole } from '../io';
import { adviceFor, type Observations } from './advice';
import { processMemory } from './counters';
import { memoryMap } from './fragmentation';
import { type HeldBlock, type Holder, type HolderSample, listHolders } from './holders';
import { type LeaksOptions, leaks } from './leaks';
import { type MemoryStats, memoryStats } from './memory-stats';
import { listMisuses } from './tracking';

/** Of live blocks, so many of the largest are listed. */
const LARGEST_BLOCKS = 50;

const WRITERS: Readonly<Record<string, (report: ReportData) => string | Promise<string>>> = {
  '.txt': reportText,
  '.json': reportJson,
  '.html': reportHtml,
};

/** A report that was made. In a notebook it shows as the page that `memoryReport('report.html')` writes. */
export class MemoryReport {
  constructor(
    /** all of it as plain data */
    readonly data: ReportData,
  ) {}

  toString(): string {
    return reportText(this.data);
  }

  async [jupyterDisplay](): Promise<MimeBundle> {
    return { 'text/html': framed(await reportHtml(this.data)), 'text/plain': this.toString() };
  }
}

/**
 * Reports on all memory of this process: summary, by tag, sizes and lifetimes, the largest live blocks, leaks, wrong uses, where
 * blocks and holes lie, bytes over time, and advice drawn from what was seen. Sizes, lifetimes, times and wrong uses are followed while
 * `enableMemoryTracking(true)` holds.
 *
 * @param path where to write it: `.txt`, `.json`, or `.html` for a page that needs nothing else. What stands there is replaced when
 *   the report is whole. Without a path nothing is written.
 * @param options `since` leaves out of the leaks what was live at that snapshot already
 * @throws HyperionError `INVALID` for another kind of file, `IO` when it cannot be written; what stood there is as it was then
 * @example
 * ```ts
 * const report = await memoryReport();
 * report.data.totals.liveBlocks === memoryStats().liveBlocks; // true
 * ```
 */
export async function memoryReport(path?: string, options: LeaksOptions = {}): Promise<MemoryReport> {
  const writer = path === undefined ? undefined : WRITERS[extname(String(path)).toLowerCase()];
  if (path !== undefined && writer === undefined)
    throw new HyperionError(
      'INVALID',
      `${path} is no report's name; it must end in ${Object.keys(WRITERS).join(', ')}`,
    );
  const report = new MemoryReport(collect(options));
  if (path !== undefined) await writeWhole(path, await writer!(report.data));
  return report;
}

function collect(options: LeaksOptions): ReportData {
  const holders = listHolders();
  const stats = memoryStats();
  const seen: Observations = {
    title: 'Memory report',
    createdAt: new Date().toISOString(),
    process: processFigures(),
    totals: totals(stats, holders),
    holders: stats.holders.map((holder) => ({
      name: holder.name,
      kind: holder.kind,
      strategy: holder.strategy,
      currentBytes: holder.current,
      peakBytes: holder.peak,
      reservedBytes: holder.reserved,
      limitBytes: Number.isFinite(holder.limit) ? holder.limit : null,
      liveBlocks: holder.liveBlocks,
      externalFragmentation: holder.externalFragmentation,
      internalFragmentation: holder.internalFragmentation,
    })),
    byTag: stats.byTag.map(({ tag, current, blocks }) => ({ tag, currentBytes: current, blocks })),
    ...histograms(holders),
    ...blockLists(holders, options),
    misuses: listMisuses().map(({ tag, bytes, callSite, ...misuse }) => ({
      ...misuse,
      tag: tag ?? 'unknown',
      bytes: bytes ?? 0,
      callSite: callSite ?? undefined,
    })),
    fragmentation: holders.map((holder) => ({ holder: holder.name, ...memoryMap(holder) })),
    timeline: { samples: timeline(holders), limitBytes: null },
  };
  return { ...seen, advice: adviceFor(seen) };
}

function processFigures(): ReportData['process'] {
  const { resident, residentPeak, fileBacked } = processMemory();
  return { residentBytes: resident, residentPeakBytes: residentPeak, fileBackedBytes: fileBacked };
}

function totals(stats: MemoryStats, holders: readonly Holder[]): ReportData['totals'] {
  const tracked = holders.flatMap((holder) => holder.histograms() ?? []);
  return {
    currentBytes: stats.current,
    peakBytes: stats.peak,
    totalAllocatedBytes: stats.totalAllocated,
    allocations: stats.allocations,
    frees: stats.frees,
    newestFirstFrees:
      tracked.length > 0 ? tracked.reduce((sum, { newestFirst }) => sum + newestFirst, 0) : undefined,
    liveBlocks: stats.liveBlocks,
    reservedBytes: stats.reserved,
    reservedPeakBytes: stats.holders.reduce((sum, { reservedPeak }) => sum + reservedPeak, 0),
    externalFragmentation: stats.externalFragmentation,
    internalFragmentation: stats.internalFragmentation,
    reservedOverActive: stats.reservedPerActive ?? 1,
    planPeakOverLowerBound: stats.peakPerLowerBound,
  };
}

/** The sizes and lifetimes of all that is tracked together. */
function histograms(holders: readonly Holder[]): Pick<ReportData, 'sizes' | 'lifetimes'> {
  const tracked = holders.flatMap((holder) => holder.histograms() ?? []);
  const bins = tracked[0]?.sizes.length ?? 0;
  const sizes: HistogramBin[] = [];
  const lifetimes: HistogramBin[] = [];
  for (let bin = 0; bin < bins; bin += 1) {
    const [from, to] = [2 ** bin, 2 ** (bin + 1)];
    const count = tracked.reduce((sum, one) => sum + one.sizes[bin]!.blocks, 0);
    const bytes = tracked.reduce((sum, one) => sum + one.sizes[bin]!.bytes, 0);
    if (count > 0) sizes.push({ from, to, count, bytes });
    const ended = tracked.reduce((sum, one) => sum + one.lifetimes[bin]!, 0);
    if (ended > 0) lifetimes.push({ from: from / 1000, to: to / 1000, count: ended });
  }
  return { sizes, lifetimes };
}

function blockLists(
  holders: readonly Holder[],
  options: LeaksOptions,
): Pick<ReportData, 'largestBlocks' | 'leaks' | 'omitted'> {
  const live = holders.flatMap((holder) => holder.blocks()).sort((a, b) => b.bytes - a.bytes);
  const leaked = leaks(options);
  return {
    largestBlocks: live.slice(0, LARGEST_BLOCKS).map(toReported),
    leaks: leaked.blocks.map((block): LeakedBlock => ({ ...toReported(block), closed: block.closed })),
    omitted: { largestBlocks: Math.max(0, live.length - LARGEST_BLOCKS), leaks: leaked.dropped },
  };
}

function toReported({ holder, tag, bytes, allocatedMs, callSite }: HeldBlock): ReportedBlock {
  return { holder, tag, bytes, allocatedAtMs: allocatedMs ?? 0, callSite: callSite ?? undefined };
}

/** What all tracked holders had together: each change of one is a moment. */
function timeline(holders: readonly Holder[]): UsageSample[] {
  const all = holders.flatMap((holder, index) =>
    (holder.samples() ?? []).map((sample) => ({ ...sample, index })),
  );
  const latest = new Map<number, HolderSample>();
  let [activeBytes, reservedBytes] = [0, 0];
  return all
    .sort((a, b) => a.timeMs - b.timeMs)
    .map(({ index, ...sample }) => {
      const before = latest.get(index);
      activeBytes += sample.requestedBytes - (before?.requestedBytes ?? 0);
      reservedBytes += sample.reservedBytes - (before?.reservedBytes ?? 0);
      latest.set(index, sample);
      return { timeMs: sample.timeMs, activeBytes, reservedBytes };
    });
}

/** A whole page within the output of a cell, where its style would otherwise reach the notebook. */
function framed(page: string): string {
  const source = page.replace(/&/g, '&amp;').replace(/"/g, '&quot;');
  return `<iframe srcdoc="${source}" title="Memory report" style="width:100%;height:640px;border:0"></iframe>`;
}
