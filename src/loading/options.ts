/** The options of a loader: their meaning, their defaults, their ranges. */
import { checkChoice, checkFlag, checkInteger, checkNumber } from '../checks';
import { HyperionError } from '../errors';
import { parseBudget } from '../memory/budget';
import { resolveStrategy, type StrategyConfig, type StrategyName } from '../memory/strategy';
import { IO, type Io, type NativeLoaderOptions, POLICIES, type Policy } from '../native';

export interface LoaderOptions {
  /** Bytes that the loader may hold: a size such as '64 MiB', or a number. Default: no limit. */
  readonly budget?: number | string;
  /** Whether layers are read ahead of those that are asked for. Default true. */
  readonly prefetch?: boolean;
  /** Layers that are read ahead, 0 to 1024, of which at most eleven are under way. Default 2. */
  readonly prefetchWindow?: number;
  /** Reads more layers ahead while reading stalls and memory allows. Default false. */
  readonly adaptiveWindow?: boolean;
  /** Gives layers up when another needs their room. False: a layer goes by `unload()` alone. Default true. */
  readonly unload?: boolean;
  /**
   * Share of the budget, above 0 to 1: while more of it is taken, layers are given up as soon as their use is over. Default 1: when their
   * room is needed.
   */
  readonly memoryThreshold?: number;
  /** Which layers give way first, see the option of sessions. Default 'cyclic'. */
  readonly policy?: Policy;
  /** Reads that go on at once, 1 to 64. Default 3. */
  readonly readers?: number;
  /**
   * How layers are read: past the page cache by threads ('direct') or a ring ('uring', Linux), or through it ('buffered'); 'auto' measures
   * the first two once for each disk, and goes through the cache where both are refused. Default 'auto'.
   */
  readonly io?: Exclude<Io, 'mmap'>;
  /** Where its memory comes from: the name of a strategy, or one with options. Default 'dynamic'. */
  readonly strategy?: StrategyName | StrategyConfig;
}

/** @throws HyperionError `INVALID`, naming the option */
export function resolveLoaderOptions(options: LoaderOptions): NativeLoaderOptions {
  const window = checkInteger('prefetchWindow', options.prefetchWindow ?? 2, 0, 1024);
  const ways = IO.filter((way) => way !== 'mmap') as Exclude<Io, 'mmap'>[];
  const memoryThreshold = checkNumber('memoryThreshold', options.memoryThreshold ?? 1, 0, 1);
  if (memoryThreshold === 0)
    throw new HyperionError('INVALID', 'memoryThreshold is 0; it must be above 0, up to 1');
  return {
    budget: parseBudget(options.budget),
    prefetchWindow: checkFlag('prefetch', options.prefetch ?? true) ? window : 0,
    adaptiveWindow: checkFlag('adaptiveWindow', options.adaptiveWindow ?? false),
    readers: checkInteger('readers', options.readers ?? 3, 1, 64),
    io: checkChoice('io', options.io ?? 'auto', ways),
    policy: checkChoice('policy', options.policy ?? 'cyclic', POLICIES),
    unload: checkFlag('unload', options.unload ?? true),
    memoryThreshold,
    memory: resolveStrategy(options.strategy ?? 'dynamic'),
  };
}
