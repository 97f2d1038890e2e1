/** What an allocator or pool holds at one moment. */
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import { type Fragmentation, fragmentationOf } from '../monitoring/fragmentation';
import type { NativeAllocatorStats } from '../native';

/** Sizes are bytes. What live blocks asked for (`current`) is at most what they were given (`active`), and that at most `reserved`. */
export class AllocatorStats implements Fragmentation {
  /** what live blocks ask for */
  readonly current: number;
  /** the largest `current` so far */
  readonly peak: number;
  /** what blocks asked for, those freed included */
  readonly totalAllocated: number;
  /** how many times a block was taken */
  readonly allocations: number;
  /** how many times a block was given back */
  readonly frees: number;
  /** how many blocks are live */
  readonly liveBlocks: number;
  /** what live blocks were given, as rounded up */
  readonly active: number;
  /** held from the operating system */
  readonly reserved: number;
  /** the largest `reserved` so far */
  readonly reservedPeak: number;
  /** the largest block that could be handed out of what is reserved */
  readonly largestFree: number;
  /** of `reserved`; Infinity when there is no limit */
  readonly budget: number;
  /** of `current`; Infinity when there is no limit */
  readonly limit: number;
  /** how many blocks a pool has, live and free; null for other strategies */
  readonly capacity: number | null;
  readonly externalFragmentation: number;
  readonly internalFragmentation: number;
  readonly reservedPerActive: number | null;
  readonly peakPerLowerBound: number | null;

  constructor(
    readonly name: string,
    readonly strategy: string,
    stats: NativeAllocatorStats,
  ) {
    this.current = stats.current;
    this.peak = stats.peak;
    this.totalAllocated = stats.totalAllocated;
    this.allocations = stats.allocations;
    this.frees = stats.frees;
    this.liveBlocks = stats.liveBlocks;
    this.active = stats.active;
    this.reserved = stats.reserved;
    this.reservedPeak = stats.reservedPeak;
    this.largestFree = stats.largestFree;
    this.budget = stats.budget;
    this.limit = stats.limit;
    this.capacity = strategy === 'pool' ? stats.capacity : null;
    const fragmentation = fragmentationOf([stats]);
    this.externalFragmentation = fragmentation.externalFragmentation;
    this.internalFragmentation = fragmentation.internalFragmentation;
    this.reservedPerActive = fragmentation.reservedPerActive;
    this.peakPerLowerBound = fragmentation.peakPerLowerBound;
  }

  /** The share of what is reserved that live blocks were given, 0 to 1; 0 when nothing is reserved. */
  get utilization(): number {
    return this.reserved === 0 ? 0 : this.active / this.reserved;
  }

  table(): Table {
    const bytes = (label: string, now: number, most: number | null) => [label, now, most];
    return new Table(
      [`${this.name} (${this.strategy})`, { label: 'now', unit: 'bytes' }, { label: 'peak', unit: 'bytes' }],
      [
        bytes('asked for by live blocks', this.current, this.peak),
        bytes('handed out', this.active, null),
        bytes('held from the operating system', this.reserved, this.reservedPeak),
        bytes('largest free block', this.largestFree, null),
        bytes('limit of what is asked for', this.limit, null),
        bytes('budget of what is held', this.budget, null),
      ],
      { caption: this.#caption() },
    );
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }

  #caption(): string {
    const percent = (share: number) => `${(share * 100).toFixed(0)}%`;
    return (
      `${this.liveBlocks} live of ${this.allocations} blocks; fragmentation: ` +
      `external ${percent(this.externalFragmentation)}, internal ${percent(this.internalFragmentation)}`
    );
  }
}
