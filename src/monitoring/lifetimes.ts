/** Whether blocks that are gone at once and blocks that stay were mixed, read from a histogram of lifetimes. */
import type { HistogramBin } from '../display';

/** Two kinds of blocks by how long they lived. */
export interface MixedLifetimes {
  /** the end of the bin with the longest lifetime */
  readonly longestMs: number;
  /** Shares of all blocks that lived shorter than a hundredth of that, and longer than a tenth; live blocks count as long. */
  readonly short: number;
  readonly long: number;
}

const SHORT_PART = 1 / 100;
const LONG_PART = 1 / 10;
/** Of lifetimes of one kind a tenth or less are so short (exponential), or so long: both at once are two kinds. */
const MANY_SHORT = 0.5;
const SOME_LONG = 0.02;

/** Null when lifetimes are of one kind, or too few to tell. */
export function mixedLifetimes(bins: readonly HistogramBin[], liveBlocks: number): MixedLifetimes | null {
  const longestMs = bins.reduce((most, { to, count }) => (count > 0 ? Math.max(most, to) : most), 0);
  const freed = countOf(bins, () => true);
  const blocks = freed + liveBlocks;
  if (freed === 0) return null;
  const short = countOf(bins, ({ to }) => to <= longestMs * SHORT_PART) / blocks;
  const long = (countOf(bins, ({ from }) => from >= longestMs * LONG_PART) + liveBlocks) / blocks;
  return short >= MANY_SHORT && long >= SOME_LONG ? { longestMs, short, long } : null;
}

function countOf(bins: readonly HistogramBin[], which: (bin: HistogramBin) => boolean): number {
  return bins.reduce((sum, bin) => sum + (which(bin) ? bin.count : 0), 0);
}
