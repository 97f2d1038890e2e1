/** How a mapped model caches: what a user writes, checked. The names are the memory guide's. */
import { checkFlag, checkInteger } from '../../checks';
import type { Size } from '../../memory/strategy';
import { parseSize } from '../../units';

/** Options of the cache of an opened model, beside the budgets of its sessions; defaults are the guide's. */
export interface CacheOptions {
  /** Bytes that the cache may hold from the operating system. Default 100 MiB. */
  readonly maxCacheSize?: Size;
  /** Reads ahead what the pattern of accesses says comes next. Default true. */
  readonly prefetch?: boolean;
  /** How many tensors are read ahead, at one time. Default 2. */
  readonly prefetchThreads?: number;
  /** Learns from the accesses what to give up; false gives up what was not used for longest. Default true. */
  readonly adaptiveCaching?: boolean;
  /** Bytes of each layer, its smallest tensors, that stay cached while anything else can go. Default 8 KiB. */
  readonly minLayerCacheSize?: Size;
}

export interface ResolvedCacheOptions {
  readonly maxCacheSize: number;
  readonly prefetch: boolean;
  readonly prefetchThreads: number;
  readonly adaptiveCaching: boolean;
  readonly minLayerCacheSize: number;
}

const MOST_THREADS = 16;

/** @throws HyperionError `INVALID`, naming the option */
export function resolveCacheOptions(options: CacheOptions): ResolvedCacheOptions {
  return {
    maxCacheSize: parseSize(options.maxCacheSize ?? '100 MiB', 'maxCacheSize'),
    prefetch: checkFlag('prefetch', options.prefetch ?? true),
    prefetchThreads: checkInteger('prefetchThreads', options.prefetchThreads ?? 2, 1, MOST_THREADS),
    adaptiveCaching: checkFlag('adaptiveCaching', options.adaptiveCaching ?? true),
    minLayerCacheSize: parseSize(options.minLayerCacheSize ?? '8 KiB', 'minLayerCacheSize'),
  };
}
