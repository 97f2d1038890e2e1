/** Making an allocator from its options. */
import { checkFlag } from '../checks';
import { Allocator } from './allocator';
import { parseBudget } from './budget';
import type { OwnTracking } from './holder';
import { resolveStrategy, type Size, type StrategyConfig } from './strategy';

/** What every allocator and pool may be given. */
export interface AllocatorLimits {
  /** Bytes that it may hold from the operating system. Default: no limit. */
  readonly budget?: Size;
  /** Bytes that its live blocks may ask for together. Default: no limit. */
  readonly limit?: Size;
  /** What statistics and reports call it. Default: its kind and a number. */
  readonly name?: string;
}

export type AllocatorConfig = StrategyConfig & AllocatorLimits;

/**
 * Makes an allocator with one of the four strategies.
 *
 * @throws HyperionError `INVALID` for an option, `OVER_BUDGET` or `OUT_OF_MEMORY` when what it holds from the start cannot be had
 * @example
 * ```ts
 * using allocator = createAllocator({ strategy: 'static', initialPoolSize: '1 MiB' });
 * allocator.allocate(1000, { lifetime: 'lasting', tag: 'table' });
 * allocator.stats().current; // 1000
 * ```
 */
export function createAllocator(config: AllocatorConfig): Allocator {
  const source = resolveStrategy(config, ['budget', 'limit', 'name']);
  const limits = { budget: parseBudget(config.budget), limit: parseBudget(config.limit, 'limit') };
  return new Allocator({ ...limits, source }, 'allocator', config.name, ownTracking(config));
}

function ownTracking(config: StrategyConfig): OwnTracking {
  const wanted = (config.strategy === 'dynamic' && config.trackAllocations) || false;
  if (typeof wanted === 'object')
    return { on: true, callSites: checkFlag('trackAllocations.callSites', wanted.callSites) };
  return { on: checkFlag('trackAllocations', wanted), callSites: false };
}
