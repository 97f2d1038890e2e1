/** Statistics of all memory that the engine hands out in this process: sessions, allocators and pools together. */
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import { native } from '../native';
import { formatCount } from '../units';
import { type DataFrame, toDataFrame } from './data-frame';
import { type Fragmentation, fragmentationOf } from './fragmentation';
import {
  bytesByTag,
  type Holder,
  type HolderFigures,
  type HolderKind,
  listDeparted,
  listHolders,
  type TagStats,
} from './holders';

/** One holder's part; sizes in bytes. */
export interface HolderStats extends HolderFigures, Fragmentation {
  readonly name: string;
  readonly kind: HolderKind;
  readonly strategy: string;
}

/** Sizes are bytes, as asked for by blocks unless the name says otherwise. */
export class MemoryStats implements Fragmentation {
  /** asked for by live blocks */
  readonly current: number;
  /** the largest `current` since the process started */
  readonly peak: number;
  /** asked for by all blocks so far, those freed included */
  readonly totalAllocated: number;
  /** how many times a block was taken */
  readonly allocations: number;
  /** how many times a block was given back */
  readonly frees: number;
  readonly liveBlocks: number;
  /** handed out to live blocks, as rounded up */
  readonly active: number;
  /** held from the operating system */
  readonly reserved: number;
  readonly externalFragmentation: number;
  readonly internalFragmentation: number;
  readonly reservedPerActive: number | null;
  readonly peakPerLowerBound: number | null;
  /** most bytes first */
  readonly byTag: readonly TagStats[];
  readonly holders: readonly HolderStats[];

  /** Statistics come from `memoryStats()`. */
  constructor(holders: readonly Holder[]) {
    this.holders = holders.map(statsOf);
    const departed = listDeparted();
    const sum = (of: (figures: HolderFigures) => number) =>
      this.holders.reduce((total, figures) => total + of(figures), 0);
    const { current, peak } = native().processUsage();
    this.current = current;
    this.peak = peak;
    this.totalAllocated = departed.totalAllocated + sum((figures) => figures.totalAllocated);
    this.allocations = departed.allocations + sum((figures) => figures.allocations);
    this.frees = departed.frees + sum((figures) => figures.frees);
    this.liveBlocks = sum((figures) => figures.liveBlocks);
    this.active = sum((figures) => figures.active);
    this.reserved = sum((figures) => figures.reserved);
    const fragmentation = fragmentationOf(this.holders);
    this.externalFragmentation = fragmentation.externalFragmentation;
    this.internalFragmentation = fragmentation.internalFragmentation;
    this.reservedPerActive = fragmentation.reservedPerActive;
    this.peakPerLowerBound = fragmentation.peakPerLowerBound;
    this.byTag = bytesByTag(holders.flatMap((holder) => holder.blocks()));
  }

  table(): Table {
    return new Table(
      [
        'holder',
        'strategy',
        { label: 'current', unit: 'bytes' },
        { label: 'peak', unit: 'bytes' },
        { label: 'held', unit: 'bytes' },
        { label: 'blocks', unit: 'count' },
        { label: 'external', unit: 'percent' },
        { label: 'internal', unit: 'percent' },
      ],
      [
        ...this.holders.map((one) => [
          one.name,
          one.strategy,
          one.current,
          one.peak,
          one.reserved,
          one.liveBlocks,
          one.externalFragmentation,
          one.internalFragmentation,
        ]),
        [
          'all',
          null,
          this.current,
          this.peak,
          this.reserved,
          this.liveBlocks,
          this.externalFragmentation,
          this.internalFragmentation,
        ],
      ],
      { caption: `${formatCount(this.allocations)} allocations, ${formatCount(this.frees)} frees` },
    );
  }

  /**
   * A row for each holder, as a DataFrame of danfojs.
   *
   * @throws HyperionError `UNSUPPORTED` when danfojs-node is not installed
   */
  toDataFrame(): Promise<DataFrame> {
    return toDataFrame(this.holders.map((holder) => ({ ...holder })));
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }
}

/**
 * What the engine holds now in this process, how much it was at most, and how it lies.
 *
 * @example
 * ```ts
 * using pool = createPool({ size: '1 MiB', blockSize: 4096 });
 * pool.allocate();
 * const stats = memoryStats();
 * stats.current >= 4096; // true
 * stats.peak >= stats.current; // true
 * ```
 */
export function memoryStats(): MemoryStats {
  return new MemoryStats(listHolders());
}

function statsOf(holder: Holder): HolderStats {
  const { name, kind, strategy } = holder;
  const figures = holder.figures();
  return { name, kind, strategy, ...figures, ...fragmentationOf([figures]) };
}
