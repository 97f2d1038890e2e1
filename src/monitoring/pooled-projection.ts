/** What pools of size classes would have wasted on the blocks that were seen: a bound, computed from their histogram. */
import type { HistogramBin } from '../display';

/** Pools whose smallest class is `blockSize`, and the fragmentation that they cannot exceed on the blocks seen. */
export interface PooledProjection {
  /** bytes */
  readonly blockSize: number;
  /** 1 - requested / handed out, at most */
  readonly internalFragmentation: number;
}

/** The few sizes of which most blocks are. */
export interface DominantSizes {
  /** in ascending order */
  readonly bins: readonly HistogramBin[];
  /** of all blocks; from 0 to 1 */
  readonly share: number;
}

/** A few sizes: with more, each class would stand half empty. */
const FEW_BINS = 4;
const MOST_BLOCKS = 0.8;
/** Classes are multiples of this. */
const GRAIN = 16;
const CLASSES_PER_DOUBLING = 4;

/** The fewest bins, up to four, that hold 80% of all blocks; null when it takes more. */
export function dominantSizes(bins: readonly HistogramBin[]): DominantSizes | null {
  const all = countOf(bins);
  const byCount = bins.toSorted((one, two) => two.count - one.count);
  for (let few = 1; few <= FEW_BINS; few++) {
    const first = byCount.slice(0, few);
    const share = countOf(first) / all;
    if (share >= MOST_BLOCKS) return { bins: first.sort((one, two) => one.from - two.from), share };
  }
  return null;
}

/** The block size among the edges of `dominant` with which `bins` would have been wasted least on. */
export function projectPooled(bins: readonly HistogramBin[], dominant: DominantSizes): PooledProjection {
  const sizes = dominant.bins.flatMap((bin) => [bin.from, largestOf(bin)]).map(roundUp);
  const projections = [...new Set(sizes)]
    .sort((one, two) => one - two)
    .map((blockSize) => ({ blockSize, internalFragmentation: wasteOf(bins, blockSize) }));
  return projections.reduce((best, each) =>
    each.internalFragmentation < best.internalFragmentation ? each : best,
  );
}

/** Every block of a bin is charged as the largest that the bin could hold. */
function wasteOf(bins: readonly HistogramBin[], blockSize: number): number {
  let requested = 0;
  let handedOut = 0;
  for (const bin of bins) {
    requested += bin.bytes ?? bin.count * bin.from;
    handedOut += bin.count * classOf(largestOf(bin), blockSize);
  }
  return handedOut > 0 ? 1 - requested / handedOut : 0;
}

/** Blocks whose mean is the least that the bin can hold are all of that size. */
function largestOf({ from, to, count, bytes }: HistogramBin): number {
  return bytes === count * from ? from : Math.max(from, Math.ceil(to) - 1);
}

/** The size class of a block: `blockSize`, and four to each doubling above it. */
function classOf(bytes: number, blockSize: number): number {
  if (bytes <= blockSize) return blockSize;
  const below = blockSize * 2 ** Math.floor(Math.log2(bytes / blockSize));
  const step = below / CLASSES_PER_DOUBLING;
  return roundUp(below + Math.ceil((bytes - below) / step) * step);
}

function roundUp(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / GRAIN)) * GRAIN;
}

function countOf(bins: readonly HistogramBin[]): number {
  return bins.reduce((sum, { count }) => sum + count, 0);
}
