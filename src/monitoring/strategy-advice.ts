/** Which strategy and which options would have suited what holders of memory were seen to do. */
import type { Advice, HolderFigures, MemoryReport } from '../display';
import { clip, percent } from '../display/wording';
import { formatBytes, formatCount, formatDuration } from '../units';
import { mixedLifetimes } from './lifetimes';
import { dominantSizes, projectPooled } from './pooled-projection';

type Observations = Omit<MemoryReport, 'advice'>;

/** A strategy with its options, and what in the observations speaks for it. */
interface Recommendation {
  readonly strategy: string;
  readonly because: string;
  readonly optionsFor: (holder: HolderFigures) => string;
}

interface PooledRecommendation extends Recommendation {
  /** at most */
  readonly internalFragmentation: number;
}

const STRATEGIES = ['static', 'pooled', 'dynamic', 'hybrid'];
/** Below these there is too little to judge by. */
const FEWEST_ALLOCATIONS = 16;
const FEWEST_SURVIVORS = 16;
/** From here on, free room in pieces and room lost to rounding are worth a change. */
const FRAGMENTED = 0.3;
const ROUNDED = 0.25;
/** Free room of a smaller part of what is reserved is not. */
const NEGLIGIBLE = 0.1;
/** Between larger blocks than these, holes are large enough to be used again. */
const SMALL_BLOCK = 64 * 1024;
/** So many frees have to give back the newest block for a stack to do. */
const STACK_LIKE = 0.95;
const IDLE_BYTES = 256 * 1024;
/** Of many holders those with the highest peaks are enough. */
const MOST_HOLDERS = 3;
const PAGE = 4096;
const HYBRID = "strategy: 'hybrid', enableOptimization: true";

/** Advice for single holders: what fragments, what rounds up too much, what another strategy suits, what lies idle. */
export function holderAdvice(seen: Observations): Advice[] {
  const holders = seen.holders
    .filter(({ strategy }) => STRATEGIES.includes(strategy))
    .toSorted((one, two) => two.peakBytes - one.peakBytes)
    .slice(0, MOST_HOLDERS);
  const recommendation = recommendationFor(seen);
  return holders.flatMap((holder) => [
    ...(fragmentationAdvice(holder, seen) ??
      roundingAdvice(holder, seen) ??
      strategyAdvice(holder, recommendation) ??
      []),
    ...reserveAdvice(holder),
  ]);
}

function recommendationFor(seen: Observations): Recommendation | null {
  if (seen.totals.allocations < FEWEST_ALLOCATIONS) return null;
  return stackLike(seen) ?? fewSizes(seen) ?? mixed(seen);
}

function stackLike({
  totals: { allocations, frees, newestFirstFrees },
}: Observations): Recommendation | null {
  if (frees > 0 && (newestFirstFrees ?? 0) < STACK_LIKE * frees) return null;
  return {
    strategy: 'static',
    because:
      frees === 0
        ? `None of ${formatCount(allocations)} allocations was freed one by one`
        : `${percent(newestFirstFrees! / frees)} of ${formatCount(frees)} frees gave back the newest block`,
    optionsFor: ({ peakBytes }) => `strategy: 'static', initialPoolSize: ${roomFor(peakBytes)}`,
  };
}

function fewSizes({ sizes, totals }: Observations): PooledRecommendation | null {
  const dominant = dominantSizes(sizes);
  if (!dominant) return null;
  const { blockSize, internalFragmentation } = projectPooled(sizes, dominant);
  if (internalFragmentation > FRAGMENTED) return null;
  const range = `${formatBytes(dominant.bins[0]!.from)} – ${formatBytes(dominant.bins.at(-1)!.to)}`;
  return {
    strategy: 'pooled',
    because:
      `${percent(dominant.share)} of ${formatCount(totals.allocations)} allocations are of ${range}: with blocks of ` +
      `${formatBytes(blockSize)}, pools would lose at most ${percent(internalFragmentation)} to rounding`,
    optionsFor: () => `strategy: 'pooled', blockSize: ${blockSize}`,
    internalFragmentation,
  };
}

function mixed({ lifetimes, totals }: Observations): Recommendation | null {
  const kinds = mixedLifetimes(lifetimes, totals.liveBlocks);
  if (!kinds) return null;
  const { long, longestMs, short } = kinds;
  return {
    strategy: 'hybrid',
    because:
      `${percent(short)} of all blocks lived less than ${formatDuration(longestMs / 100)}, ` +
      `${percent(long)} longer than ${formatDuration(longestMs / 10)} or still`,
    optionsFor: () => HYBRID,
  };
}

function fragmentationAdvice(holder: HolderFigures, seen: Observations): Advice[] | null {
  const { currentBytes, externalFragmentation, liveBlocks, name, reservedBytes, strategy } = holder;
  const freeBytes = reservedBytes - currentBytes;
  const meanBytes = currentBytes / liveBlocks;
  const isScattered = externalFragmentation > FRAGMENTED && freeBytes > NEGLIGIBLE * reservedBytes;
  if (!isScattered || liveBlocks < FEWEST_SURVIVORS || meanBytes > SMALL_BLOCK) return null;
  const pooled = fewSizes(seen);
  const options = pooled && strategy !== 'pooled' ? pooled.optionsFor(holder) : HYBRID;
  if (options === HYBRID && strategy === 'hybrid') return null;
  const reason = options === HYBRID ? '' : ` ${pooled!.because}.`;
  return [
    {
      title: `Keep small blocks of '${clip(name, 60)}' together`,
      because:
        `${percent(externalFragmentation)} of its free room lies outside the largest hole: ${formatCount(liveBlocks)} live ` +
        `blocks of ${formatBytes(meanBytes)} on average are scattered over ${formatBytes(reservedBytes)}.${reason}`,
      change: createWith(name, options),
    },
  ];
}

function roundingAdvice(holder: HolderFigures, seen: Observations): Advice[] | null {
  const { internalFragmentation, name, strategy } = holder;
  if (internalFragmentation <= ROUNDED) return null;
  const few = fewSizes(seen);
  const pooled = few && few.internalFragmentation < internalFragmentation ? few : null;
  if (!pooled && strategy !== 'pooled') return null;
  return [
    {
      title: `Fit the blocks of '${clip(name, 60)}' to what is asked for`,
      because: `${percent(internalFragmentation)} of what it hands out is rounding.${pooled ? ` ${pooled.because}.` : ''}`,
      change: createWith(name, pooled ? pooled.optionsFor(holder) : "strategy: 'dynamic'"),
    },
  ];
}

function strategyAdvice(holder: HolderFigures, recommendation: Recommendation | null): Advice[] | null {
  if (!recommendation || recommendation.strategy === holder.strategy) return null;
  const { because, optionsFor, strategy } = recommendation;
  return [
    {
      title: `Make '${clip(holder.name, 60)}' ${strategy}`,
      because: `${because}; it is ${holder.strategy}, and its peak was ${formatBytes(holder.peakBytes)}.`,
      change: createWith(holder.name, optionsFor(holder)),
    },
  ];
}

/** Of a static holder the reserve is its capacity: it has to fit the peak, and nothing can be given back before. */
function reserveAdvice({ currentBytes, name, peakBytes, reservedBytes, strategy }: HolderFigures): Advice[] {
  const isIdle = reservedBytes - currentBytes > IDLE_BYTES && reservedBytes > 2 * currentBytes;
  const neverUsed = reservedBytes > 2 * peakBytes;
  if (!isIdle || (strategy === 'static' && !neverUsed)) return [];
  const smaller = `Create it with initialPoolSize: ${roomFor(peakBytes)}.`;
  return [
    {
      title: `Give back what '${clip(name, 60)}' does not use`,
      because:
        `It has ${formatBytes(reservedBytes)} reserved and ${formatBytes(currentBytes)} in use; ` +
        `its peak was ${formatBytes(peakBytes)}.`,
      change: neverUsed && strategy !== 'dynamic' ? smaller : 'Call trim() on it where a phase of work ends.',
    },
  ];
}

function createWith(name: string, options: string): string {
  return `Create '${clip(name, 60)}' with { ${options} }.`;
}

/** Whole pages that hold a peak, with a sixteenth for alignment. */
function roomFor(peakBytes: number): number {
  return Math.max(1, Math.ceil((peakBytes * 17) / 16 / PAGE)) * PAGE;
}
