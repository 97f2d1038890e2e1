/** Replay: what a trace would have cost under other strategies, found out by running it through them. */
import { type Figure, jupyterDisplay, type MimeBundle, replayFigure, Table } from '../display';
import { HyperionError } from '../errors';
import { type NativeAllocatorConfig, type NativeReplay, native } from '../native';
import { formatBytes } from '../units';
import { resolveStrategy, STRATEGIES, type StrategyConfig, type StrategyName } from './strategy';
import { AllocationTrace } from './trace';

export interface ReplayOptions {
  /**
   * Strategies, by name or with options, that the trace is run through without limits. Default: what it ran under, with its limits, and the
   * other strategies as they come. A static one without a size gets the smallest arena, of some, that is large enough.
   */
  readonly strategies?: readonly (StrategyName | StrategyConfig)[];
}

/** What a trace costs under one strategy. Sizes in bytes. */
export interface ReplayRow {
  /** the strategy and its options */
  readonly name: string;
  /** the most that was held from the operating system */
  readonly reservedPeak: number;
  /** at the moment when most was asked for, 0 to 1 */
  readonly externalFragmentation: number;
  readonly internalFragmentation: number;
  /** of the strategy's own work: a block taken or given back */
  readonly nanosecondsPerOperation: number;
  /** why a block of the trace was refused; null when none was */
  readonly failure: string | null;
}

/**
 * Runs a trace through strategies, off the JavaScript thread. Nothing is written into the blocks, so it needs next to no memory. Under the
 * strategy and limits that the trace ran under, its peak is exactly what was measured then.
 *
 * @param trace a trace, or the path of one that was saved
 * @throws HyperionError `INVALID` for an option or a trace that frees what it never took, `IO`, `BAD_FORMAT`
 * @example
 * ```ts
 * using allocator = createAllocator({ strategy: 'pooled', blockSize: 1024 });
 * allocator.startTrace();
 * allocator.freeMany(allocator.allocateMany([1000, 2000, 3000]));
 * const result = await replay(allocator.stopTrace());
 * result.rows[0].reservedPeak === allocator.stats().reservedPeak; // true
 * ```
 */
export async function replay(trace: AllocationTrace | string, options: ReplayOptions = {}): Promise<Replay> {
  const loaded = typeof trace === 'string' ? await AllocationTrace.load(trace) : trace;
  if (!(loaded instanceof AllocationTrace))
    throw new HyperionError('INVALID', 'replay takes a trace, or the path of one that was saved');
  const run = (config: NativeAllocatorConfig) => native().replay(loaded.events, config);
  const own = await run(loaded.config);
  const rows: ReplayRow[] = options.strategies ? [] : [rowOf(describe(loaded.config), own)];
  const others = options.strategies ?? STRATEGIES.filter((name) => name !== loaded.config.source.strategy);
  for (const strategy of others) {
    const config = { ...UNLIMITED, source: resolveStrategy(strategy) };
    const isSized = config.source.strategy !== 'static' || config.source.initialPoolSize > 0;
    rows.push(isSized ? rowOf(describe(config), await run(config)) : await fitStatic(own.requestedPeak, run));
  }
  return new Replay(loaded.name, own.requestedPeak, rows);
}

/** A refusal in a table or a chart, where its sentence would have no room. */
const DOES_NOT_FIT = 'a block does not fit';

/** What a trace costs under several strategies. */
export class Replay {
  /** Replays come from `replay()`. */
  constructor(
    /** what was traced */
    readonly name: string,
    /** the most bytes that were asked for at one time: no strategy can hold less */
    readonly lowerBound: number,
    readonly rows: readonly ReplayRow[],
  ) {}

  table(): Table {
    return new Table(
      [
        'strategy',
        { label: 'peak held', unit: 'bytes' },
        { label: 'over the lower bound', unit: 'number' },
        { label: 'external', unit: 'percent' },
        { label: 'internal', unit: 'percent' },
        { label: 'ns per operation', unit: 'number' },
        'refused',
      ],
      this.rows.map((row) => [
        row.name,
        row.reservedPeak,
        row.reservedPeak / this.lowerBound,
        row.externalFragmentation,
        row.internalFragmentation,
        row.nanosecondsPerOperation,
        row.failure && DOES_NOT_FIT,
      ]),
      { caption: `${this.name} replayed; lower bound ${formatBytes(this.lowerBound)}` },
    );
  }

  /** Peaks beside the lower bound. */
  plot(): Figure {
    return replayFigure({
      title: `${this.name} replayed`,
      lowerBoundBytes: this.lowerBound,
      rows: this.rows.map((row) => ({
        name: row.name,
        peakReservedBytes: row.reservedPeak,
        peakRequestedBytes: this.lowerBound,
        externalFragmentation: row.externalFragmentation,
        nanosecondsPerOperation: row.nanosecondsPerOperation,
        failed: row.failure === null ? undefined : DOES_NOT_FIT,
      })),
    });
  }

  toString(): string {
    return this.table().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.table()[jupyterDisplay]();
  }
}

const UNLIMITED = { budget: Number.POSITIVE_INFINITY, limit: Number.POSITIVE_INFINITY };
const PAGE_BYTES = 4096;
/** Arenas that are tried, as multiples of the lower bound. */
const ARENAS = [1, 1.25, 1.5, 2, 3, 4, 8];

/** The smallest arena among some in which the trace fits; the largest of them when it fits in none. */
async function fitStatic(
  lowerBound: number,
  run: (config: NativeAllocatorConfig) => Promise<NativeReplay>,
): Promise<ReplayRow> {
  for (const multiple of ARENAS) {
    const initialPoolSize = Math.ceil((lowerBound * multiple) / PAGE_BYTES + 1) * PAGE_BYTES;
    const config = { ...UNLIMITED, source: resolveStrategy({ strategy: 'static', initialPoolSize }) };
    const result = await run(config);
    if (result.failedAt < 0 || multiple === ARENAS.at(-1)) return rowOf(describe(config), result);
  }
  throw new Error('unreachable');
}

function describe({ source }: NativeAllocatorConfig): string {
  if (source.strategy === 'pool') return `pool of ${formatBytes(source.blockSize)} blocks`;
  const options = [
    source.initialPoolSize > 0 ? formatBytes(source.initialPoolSize) : '',
    source.blockSize > 0 ? `blocks from ${formatBytes(source.blockSize)}` : '',
    source.enableOptimization ? 'optimized' : '',
  ].filter((option) => option !== '');
  return options.length > 0 ? `${source.strategy} (${options.join(', ')})` : source.strategy;
}

function rowOf(name: string, result: NativeReplay): ReplayRow {
  return {
    name,
    reservedPeak: result.reservedPeak,
    externalFragmentation: result.external,
    internalFragmentation: result.internal,
    nanosecondsPerOperation: result.nanosecondsPerOperation,
    failure: result.failedAt < 0 ? null : result.failure,
  };
}
