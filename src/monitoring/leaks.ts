/** Leaks: blocks that nobody gave back. */
import { BlockList } from './block-list';
import { forgetLeaks, type HeldBlock, listDeparted, listHolders } from './holders';
import type { Snapshot } from './snapshot';

export interface LeaksOptions {
  /** Leaves out what was live at that snapshot already. */
  readonly since?: Snapshot;
}

/** A block that nobody gave back. */
export interface Leak extends HeldBlock {
  /** whether its allocator or pool is closed, or forgotten: then its memory is back, and only its owner was careless */
  readonly closed: boolean;
}

/** Blocks that nobody gave back, oldest first in each holder. */
export class Leaks extends BlockList {
  declare readonly blocks: readonly Leak[];
  /** leaks of closed allocators and pools beyond those that are kept */
  readonly dropped: number;

  constructor(blocks: readonly Leak[], dropped: number) {
    super('Leaks', blocks);
    this.dropped = dropped;
  }

  protected override extraColumns(): string[] {
    return ['holder is'];
  }

  protected override extraCells(block: Leak): string[] {
    return [block.closed ? 'closed' : 'open'];
  }
}

/**
 * Blocks of allocators and pools that are live now, and those that were when their allocator was closed. A session's own memory is
 * not among them: it goes with the session. Where a block was allocated is known while `enableMemoryTracking(true, { callSites: true })` holds.
 *
 * @example
 * ```ts
 * const start = snapshot();
 * using pool = createPool({ size: '64 KiB', blockSize: 1024 });
 * const [kept, freed] = pool.allocateMany(2);
 * pool.free(freed);
 * leaks({ since: start }).blocks.length; // 1
 * ```
 */
export function leaks({ since }: LeaksOptions = {}): Leaks {
  const departed = listDeparted();
  const live = listHolders()
    .filter(({ kind }) => kind !== 'session' && kind !== 'loader')
    .flatMap((holder) => holder.blocks());
  const all = [
    ...departed.leaks.map((block) => ({ ...block, closed: true })),
    ...live.map((block) => ({ ...block, closed: false })),
  ];
  return new Leaks(
    all.filter((block) => !since?.has(block)),
    departed.leaksDropped,
  );
}

/**
 * Forgets leaks of allocators and pools that are closed.
 *
 * @example
 * ```ts
 * createPool({ size: 4096, blockSize: 64 }).close();
 * clearLeaks();
 * leaks().dropped; // 0
 * ```
 */
export function clearLeaks(): void {
  forgetLeaks();
}
