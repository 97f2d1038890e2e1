/** Everything that holds memory now: sessions, allocators and pools, each through the same few questions. */
import type { NativeCounters, NativeUsage } from '../native';

export type HolderKind = 'session' | 'loader' | 'cache' | 'allocator' | 'pool';

/** Counters of one holder, in bytes unless native.ts says otherwise. */
export interface HolderFigures extends NativeCounters, NativeUsage {
  readonly reservedPeak: number;
  /** blocks of a pool, live and free; 0 for other strategies */
  readonly capacity: number;
  /** the tightest limit in bytes; Infinity when there is none */
  readonly limit: number;
}

/** A block that is live. */
export interface HeldBlock {
  readonly holder: string;
  /** the number of its holder, unique in the process; with `sequence` it names the block */
  readonly holderNumber: number;
  readonly tag: string;
  /** as asked for */
  readonly bytes: number;
  /** where it lies; for pictures only */
  readonly address: number;
  /** the number of its allocation in its holder, from 1 */
  readonly sequence: number;
  /** milliseconds of performance.now(); null when it was not tracked */
  readonly allocatedMs: number | null;
  /** such as `cell [3]:2:9`; null when it was not tracked */
  readonly callSite: string | null;
}

/** A stretch of memory held from the operating system. */
export interface HeldSpan {
  readonly address: number;
  readonly bytes: number;
}

/** What a holder used at one moment. */
export interface HolderSample {
  /** milliseconds of performance.now() */
  readonly timeMs: number;
  readonly requestedBytes: number;
  readonly reservedBytes: number;
}

/** Bin i counts values from 2^i to below 2^(i+1). */
export interface HolderHistograms {
  readonly sizes: readonly { readonly blocks: number; readonly bytes: number }[];
  /** blocks, by microseconds that they lived */
  readonly lifetimes: readonly number[];
  /** frees of the newest live block */
  readonly newestFirst: number;
}

/** What monitoring asks of a holder. */
export interface Holder {
  /** unique in the process */
  readonly number: number;
  readonly name: string;
  readonly kind: HolderKind;
  readonly strategy: string;
  figures(): HolderFigures;
  /** oldest first */
  blocks(): HeldBlock[];
  spans(): HeldSpan[];
  /** null while it is not tracked */
  samples(): HolderSample[] | null;
  /** null while it is not tracked */
  histograms(): HolderHistograms | null;
}

/** What holders that are gone leave behind. */
export interface Departed {
  totalAllocated: number;
  allocations: number;
  frees: number;
  /** blocks that were live when their allocator or pool was closed, or forgotten by JavaScript */
  readonly leaks: HeldBlock[];
  /** leaks beyond those that are kept */
  leaksDropped: number;
}

const KEPT_LEAKS = 1000;

const holders = new Set<Holder>();
const departed: Departed = { totalAllocated: 0, allocations: 0, frees: 0, leaks: [], leaksDropped: 0 };
let numbered = 0;

/** A number that no other holder has. */
export function nextHolderNumber(): number {
  numbered += 1;
  return numbered;
}

/** From now on the holder is part of statistics and reports. */
export function addHolder(holder: Holder): void {
  holders.add(holder);
}

/** Takes the holder out, keeping its totals. `leaked`: its live blocks were not the engine's own, and nobody freed them. */
export function removeHolder(holder: Holder, leaked: boolean): void {
  if (!holders.delete(holder)) return;
  const { totalAllocated, allocations, frees } = holder.figures();
  departed.totalAllocated += totalAllocated;
  departed.allocations += allocations;
  departed.frees += frees;
  if (!leaked) return;
  const blocks = holder.blocks();
  const room = Math.max(0, KEPT_LEAKS - departed.leaks.length);
  departed.leaks.push(...blocks.slice(0, room));
  departed.leaksDropped += Math.max(0, blocks.length - room);
}

export function listHolders(): readonly Holder[] {
  return [...holders];
}

export function listDeparted(): Readonly<Departed> {
  return departed;
}

/** Forgets leaks of holders that are gone; their totals stay. */
export function forgetLeaks(): void {
  departed.leaks.length = 0;
  departed.leaksDropped = 0;
}

/** The live blocks of one tag. */
export interface TagStats {
  readonly tag: string;
  /** bytes that they ask for */
  readonly current: number;
  readonly blocks: number;
}

/** Live blocks by tag, most bytes first. */
export function bytesByTag(blocks: readonly HeldBlock[]): TagStats[] {
  const tags = new Map<string, { tag: string; current: number; blocks: number }>();
  for (const { tag, bytes } of blocks) {
    const entry = tags.get(tag) ?? { tag, current: 0, blocks: 0 };
    entry.current += bytes;
    entry.blocks += 1;
    tags.set(tag, entry);
  }
  return [...tags.values()].sort((a, b) => b.current - a.current);
}
