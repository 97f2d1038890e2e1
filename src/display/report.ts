/** A report on memory as plain data, which survives JSON: bytes, milliseconds and shares from 0 to 1. */
import type { FragmentationMap } from './fragmentation-map';
import type { HistogramBin } from './histogram-figure';
import type { UsageSample } from './usage-figure';

export interface MemoryReport {
  readonly title: string;
  /** ISO 8601 */
  readonly createdAt: string;
  /** The whole process as the operating system counts it; null where it does not say. */
  readonly process: ProcessFigures | null;
  readonly totals: ReportTotals;
  readonly holders: readonly HolderFigures[];
  readonly byTag: readonly TagFigures[];
  /** of all blocks ever allocated, by bytes */
  readonly sizes: readonly HistogramBin[];
  /** of the blocks that were freed, by milliseconds */
  readonly lifetimes: readonly HistogramBin[];
  readonly largestBlocks: readonly ReportedBlock[];
  readonly leaks: readonly LeakedBlock[];
  readonly misuses: readonly Misuse[];
  readonly fragmentation: readonly HolderMap[];
  readonly timeline: { readonly samples: readonly UsageSample[]; readonly limitBytes: number | null };
  readonly advice: readonly Advice[];
  /** How many entries a list has beyond those that are here. */
  readonly omitted?: Readonly<Partial<Record<ReportList, number>>>;
}

/** The lists of a report of which only the first entries may be here. */
export type ReportList =
  | 'holders'
  | 'byTag'
  | 'largestBlocks'
  | 'leaks'
  | 'misuses'
  | 'fragmentation'
  | 'advice';

/** Any further figure may stand beside these; its name says its unit by ending in `Bytes` or `Ms`. */
export interface ProcessFigures {
  readonly residentBytes: number;
  readonly residentPeakBytes: number;
  readonly [name: string]: number | null;
}

export interface ReportTotals {
  /** asked for by the live blocks */
  readonly currentBytes: number;
  readonly peakBytes: number;
  /** asked for in all, blocks freed since included */
  readonly totalAllocatedBytes: number;
  readonly allocations: number;
  readonly frees: number;
  /** those of `frees` that gave back the newest live block of their holder; absent where nobody watched */
  readonly newestFirstFrees?: number;
  readonly liveBlocks: number;
  readonly reservedBytes: number;
  readonly reservedPeakBytes: number;
  /** 1 - largest free / free */
  readonly externalFragmentation: number;
  /** 1 - requested / handed out */
  readonly internalFragmentation: number;
  readonly reservedOverActive: number;
  /** null where nothing was planned */
  readonly planPeakOverLowerBound: number | null;
}

/** A pool, an allocator or a session. */
export interface HolderFigures {
  readonly name: string;
  readonly kind: 'pool' | 'allocator' | 'cache' | 'session' | 'loader';
  readonly strategy: string;
  readonly currentBytes: number;
  readonly peakBytes: number;
  readonly reservedBytes: number;
  /** null when there is none */
  readonly limitBytes: number | null;
  readonly liveBlocks: number;
  readonly externalFragmentation: number;
  readonly internalFragmentation: number;
}

export interface TagFigures {
  readonly tag: string;
  readonly currentBytes: number;
  readonly blocks: number;
}

/** A live block. */
export interface ReportedBlock {
  readonly holder: string;
  readonly tag: string;
  readonly bytes: number;
  readonly allocatedAtMs: number;
  readonly callSite?: string;
}

/** A block that nobody gave back. */
export interface LeakedBlock extends ReportedBlock {
  /** whether its holder has been closed: then nobody can give it back any more */
  readonly closed: boolean;
}

/** A use of memory that was refused because it was wrong. */
export interface Misuse {
  /** such as `double free`, `foreign free`, `stale handle` */
  readonly kind: string;
  readonly holder: string;
  readonly tag: string;
  readonly bytes: number;
  readonly timeMs: number;
  readonly callSite?: string;
  readonly message: string;
}

export interface HolderMap extends FragmentationMap {
  readonly holder: string;
}

/** What to change, and the numbers that it rests on. */
export interface Advice {
  readonly title: string;
  readonly because: string;
  readonly change: string;
}

/**
 * A report in which nothing has happened yet, for what is known to be filled in.
 *
 * @example
 * ```ts
 * const report = { ...emptyReport('Memory of manpage'), byTag: [{ tag: 'rows', currentBytes: 4096, blocks: 1 }] };
 * report.totals.peakBytes; // 0
 * ```
 */
export function emptyReport(title: string, createdAt = new Date().toISOString()): MemoryReport {
  return {
    title,
    createdAt,
    process: null,
    totals: {
      currentBytes: 0,
      peakBytes: 0,
      totalAllocatedBytes: 0,
      allocations: 0,
      frees: 0,
      liveBlocks: 0,
      reservedBytes: 0,
      reservedPeakBytes: 0,
      externalFragmentation: 0,
      internalFragmentation: 0,
      reservedOverActive: 1,
      planPeakOverLowerBound: null,
    },
    holders: [],
    byTag: [],
    sizes: [],
    lifetimes: [],
    largestBlocks: [],
    leaks: [],
    misuses: [],
    fragmentation: [],
    timeline: { samples: [], limitBytes: null },
    advice: [],
  };
}
