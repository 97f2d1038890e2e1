/** The four figures of fragmentation, each defined here once, and the map of where blocks and holes lie. */
import type { HeldBlock, HeldSpan, Holder } from './holders';

/** What the figures are made of: bytes. */
export interface FragmentationSource {
  readonly reserved: number;
  readonly active: number;
  readonly requested: number;
  readonly largestFree: number;
  readonly peak: number;
  readonly reservedPeak: number;
  /** blocks of a pool, live and free; 0 for other strategies */
  readonly capacity: number;
}

export interface Fragmentation {
  /**
   * 1 - largest free block / all that is free, 0 to 1: how much of what is reserved and free a single block could not have. 0
   * when nothing is free, and for a pool, whose free blocks are all alike: none of them is too small. Of several holders: 1 - the sum of their largest / the sum of what is free in them.
   */
  readonly externalFragmentation: number;
  /** 1 - asked for / handed out, 0 to 1: what rounding up costs. 0 when nothing is handed out. */
  readonly internalFragmentation: number;
  /** reserved / active, from 1: what is held for each byte handed out; null when nothing is handed out */
  readonly reservedPerActive: number | null;
  /**
   * Peak of what was reserved / peak of what was asked for, from 1. No plan can do with less than what is live at one time, so
   * the latter is the lower bound; null when nothing was asked for.
   */
  readonly peakPerLowerBound: number | null;
}

export function fragmentationOf(sources: readonly FragmentationSource[]): Fragmentation {
  const sum = (of: (source: FragmentationSource) => number) =>
    sources.reduce((total, source) => total + of(source), 0);
  const reserved = sum((source) => source.reserved);
  const active = sum((source) => source.active);
  const free = reserved - active;
  const largest = sum(({ reserved, active, largestFree, capacity }) =>
    capacity > 0 ? reserved - active : Math.min(largestFree, reserved - active),
  );
  const lowerBound = sum((source) => source.peak);
  return {
    externalFragmentation: free > 0 ? 1 - largest / free : 0,
    internalFragmentation: active > 0 ? 1 - sum((source) => source.requested) / active : 0,
    reservedPerActive: active > 0 ? reserved / active : null,
    peakPerLowerBound: lowerBound > 0 ? sum((source) => source.reservedPeak) / lowerBound : null,
  };
}

/** A stretch of a map: a block, or what lies free between two. */
export interface MappedSpan {
  /** bytes from the start of the map, in which all that is reserved lies end to end */
  readonly offset: number;
  readonly bytes: number;
  readonly state: 'used' | 'free';
  readonly tag?: string;
}

/** The map of a holder, as the figure of fragmentation takes it. */
export function memoryMap(holder: Holder) {
  const figures = holder.figures();
  return {
    title: `Memory of ${holder.name} (${holder.strategy})`,
    spans: mapMemory(holder.blocks(), holder.spans()),
    reservedBytes: figures.reserved,
    largestFreeBytes: figures.largestFree,
    externalFragmentation: fragmentationOf([figures]).externalFragmentation,
  };
}

/** Lays what is reserved end to end, in the order of addresses, and the blocks in it. */
export function mapMemory(blocks: readonly HeldBlock[], spans: readonly HeldSpan[]): MappedSpan[] {
  const ordered = [...blocks].sort((a, b) => a.address - b.address);
  const mapped: MappedSpan[] = [];
  let next = 0;
  let start = 0;
  for (const span of [...spans].sort((a, b) => a.address - b.address)) {
    const end = span.address + span.bytes;
    let at = span.address;
    const add = (bytes: number, state: 'used' | 'free', tag?: string) => {
      if (bytes > 0) mapped.push({ offset: start + at - span.address, bytes, state, tag });
      at += bytes;
    };
    while (next < ordered.length && ordered[next]!.address < span.address) next += 1;
    for (; next < ordered.length && ordered[next]!.address < end; next += 1) {
      const { address, bytes, tag } = ordered[next]!;
      add(address - at, 'free');
      add(Math.min(bytes, end - at), 'used', tag);
    }
    add(end - at, 'free');
    start += span.bytes;
  }
  return mapped;
}
