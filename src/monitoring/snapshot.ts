/** Snapshots of what is held, and what changed between two of them. */
import { jupyterDisplay, type MimeBundle, Table } from '../display';
import { plural } from '../display/wording';
import { HyperionError } from '../errors';
import { formatBytes } from '../units';
import { BlockList } from './block-list';
import { type HeldBlock, listDeparted, listHolders } from './holders';
import { type MemoryStats, memoryStats } from './memory-stats';

/** What was held at one moment: counters, and every live block. Snapshots come from `snapshot()`. */
export class Snapshot {
  /** milliseconds of performance.now() */
  readonly timeMs = performance.now();
  readonly stats: MemoryStats = memoryStats();
  readonly blocks = new BlockList(
    'Live blocks',
    listHolders().flatMap((holder) => holder.blocks()),
  );
  readonly #keys = new Set([...this.blocks.blocks, ...listDeparted().leaks].map(keyOf));

  /** Whether the block was live at that moment, or had leaked before it. */
  has(block: HeldBlock): boolean {
    return this.#keys.has(keyOf(block));
  }

  toString(): string {
    return this.stats.toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.stats[jupyterDisplay]();
  }
}

/** What was taken and given back between two snapshots. Differences come from `diff()`. */
export class SnapshotDiff {
  /** taken after the first snapshot, and live at the second */
  readonly added: BlockList;
  /** live at the first snapshot, and not at the second */
  readonly freed: BlockList;
  /** what live blocks ask for, second minus first, in bytes */
  readonly current: number;
  /** what is held from the operating system, second minus first, in bytes */
  readonly reserved: number;
  /** allocations and frees in between, those of blocks that came and went included */
  readonly allocations: number;
  readonly frees: number;

  constructor(first: Snapshot, second: Snapshot) {
    this.added = new BlockList(
      'Added',
      second.blocks.blocks.filter((block) => !first.has(block)),
    );
    this.freed = new BlockList(
      'Freed',
      first.blocks.blocks.filter((block) => !second.has(block)),
    );
    this.current = second.stats.current - first.stats.current;
    this.reserved = second.stats.reserved - first.stats.reserved;
    this.allocations = second.stats.allocations - first.stats.allocations;
    this.frees = second.stats.frees - first.stats.frees;
  }

  /** By holder and tag. */
  table(): Table {
    const changes = new Map<string, { holder: string; tag: string; added: number; freed: number }>();
    const change = ({ holder, holderNumber, tag }: HeldBlock) => {
      const key = `${holderNumber} ${tag}`;
      const entry = changes.get(key) ?? { holder, tag, added: 0, freed: 0 };
      changes.set(key, entry);
      return entry;
    };
    for (const block of this.added.blocks) change(block).added += block.bytes;
    for (const block of this.freed.blocks) change(block).freed += block.bytes;
    const sign = this.current < 0 ? '-' : '+';
    return new Table(
      ['holder', 'tag', { label: 'added', unit: 'bytes' }, { label: 'freed', unit: 'bytes' }],
      [...changes.values()].map(({ holder, tag, added, freed }) => [holder, tag, added, freed]),
      {
        caption:
          `${sign}${formatBytes(Math.abs(this.current))} in live blocks; ` +
          `${plural(this.allocations, 'allocation')}, ${plural(this.frees, 'free')} in between`,
      },
    );
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }
}

/**
 * Notes every live block and all counters.
 *
 * @example
 * ```ts
 * const before = snapshot();
 * using pool = createPool({ size: '1 MiB', blockSize: 4096 });
 * pool.allocate(1000);
 * diff(before, snapshot()).current; // 1000
 * ```
 */
export function snapshot(): Snapshot {
  return new Snapshot();
}

/**
 * What changed from the first snapshot to the second.
 *
 * @throws HyperionError `INVALID` unless both are snapshots, the first not the later one
 * @example
 * ```ts
 * using allocator = createAllocator({ strategy: 'dynamic' });
 * const block = allocator.allocate(64);
 * const before = snapshot();
 * allocator.free(block);
 * diff(before, snapshot()).freed.bytes; // 64
 * ```
 */
export function diff(first: Snapshot, second: Snapshot): SnapshotDiff {
  if (!(first instanceof Snapshot) || !(second instanceof Snapshot) || first.timeMs > second.timeMs)
    throw new HyperionError('INVALID', 'diff takes two snapshots, the earlier one first');
  return new SnapshotDiff(first, second);
}

function keyOf({ holderNumber, sequence }: HeldBlock): string {
  return `${holderNumber} ${sequence}`;
}
