/** The four strategies and their options: what a user writes, checked, as the engine reads it. */
import { checkChoice, checkFlag } from '../checks';
import { HyperionError } from '../errors';
import type { NativeStrategy } from '../native';
import { parseSize } from '../units';

/** Sizes as numbers of bytes or as text such as '64 MiB'. */
export type Size = number | string;

/** One arena, taken whole at the start: blocks lie one after the other, and room comes back in reverse order or all at once. */
export interface StaticConfig {
  readonly strategy: 'static';
  /** Bytes of the arena. Default 1 MiB; for a session, what its budget leaves. */
  readonly initialPoolSize?: Size;
}

/** Blocks by size class, in slabs: constant time, and no holes between sizes. */
export interface PooledConfig {
  readonly strategy: 'pooled';
  /** Bytes that are held from the start, for the first slabs. Default none. */
  readonly initialPoolSize?: Size;
  /** Bytes of the smallest class, a multiple of 16. Default 4096. */
  readonly blockSize?: Size;
}

/** Any size in any order. */
export interface DynamicConfig {
  readonly strategy: 'dynamic';
  /** Follows each block: its tag, size, time and, when asked, where it was allocated. Default false. */
  readonly trackAllocations?: boolean | { readonly callSites: boolean };
}

/** An arena for what lives long, pools for the small and frequent, and the dynamic strategy for the rest. */
export interface HybridConfig {
  readonly strategy: 'hybrid';
  /** Bytes of the arena. Default 1 MiB. */
  readonly initialPoolSize?: Size;
  /** Chooses the sizes of the pools anew from the sizes and lifetimes that it sees. Default false. */
  readonly enableOptimization?: boolean;
}

export type StrategyConfig = StaticConfig | PooledConfig | DynamicConfig | HybridConfig;

/** The names of the strategies. */
export const STRATEGIES = ['static', 'pooled', 'dynamic', 'hybrid'] as const;
export type StrategyName = (typeof STRATEGIES)[number];

const OPTIONS: Readonly<Record<StrategyName, readonly string[]>> = {
  static: ['initialPoolSize'],
  pooled: ['initialPoolSize', 'blockSize'],
  dynamic: ['trackAllocations'],
  hybrid: ['initialPoolSize', 'enableOptimization'],
};

/**
 * Reads a strategy: its name, or its name with options.
 *
 * @param known other options that stand beside it and are read elsewhere
 * @throws HyperionError `INVALID`, naming the option, also for an option that the strategy does not have
 * @example
 * ```ts
 * resolveStrategy('dynamic').strategy; // 'dynamic'
 * resolveStrategy({ strategy: 'pooled', blockSize: '4 KiB' }).blockSize; // 4096
 * ```
 */
export function resolveStrategy(
  config: StrategyName | StrategyConfig,
  known: readonly string[] = [],
): NativeStrategy {
  const given: Record<string, unknown> = typeof config === 'string' ? { strategy: config } : { ...config };
  const strategy = checkChoice('strategy', given.strategy, STRATEGIES);
  for (const option of Object.keys(given)) {
    if (option === 'strategy' || OPTIONS[strategy].includes(option) || known.includes(option)) continue;
    throw new HyperionError(
      'INVALID',
      `${option} is not an option of the ${strategy} strategy; it has ${OPTIONS[strategy].join(' and ')}`,
    );
  }
  const size = (name: string) => (given[name] === undefined ? 0 : parseSize(given[name] as Size, name));
  return {
    strategy,
    initialPoolSize: size('initialPoolSize'),
    blockSize: size('blockSize'),
    enableOptimization: checkFlag('enableOptimization', given.enableOptimization ?? false),
  };
}
