/** The types of memory in the addon: strategies, pools, counters, and the rows of its tables. */

/** How memory is handed out. Sizes in bytes; 0 leaves the choice to the engine. */
export interface NativeStrategy {
  strategy: 'static' | 'pooled' | 'dynamic' | 'hybrid';
  initialPoolSize: number;
  blockSize: number;
  enableOptimization: boolean;
}

/** Blocks of one size. */
export interface NativePool {
  strategy: 'pool';
  /** bytes */
  size: number;
  blockSize: number;
  growable: boolean;
  threadSafe: boolean;
}

export interface NativeAllocatorConfig {
  /** of pages held from the operating system, in bytes; Infinity = unlimited */
  budget: number;
  /** of what live blocks ask for, in bytes; Infinity = unlimited */
  limit: number;
  source: NativeStrategy | NativePool;
}

/** Counters of what was asked for, in bytes unless the name says otherwise. */
export interface NativeCounters {
  current: number;
  peak: number;
  totalAllocated: number;
  /** how many times */
  allocations: number;
  /** how many times */
  frees: number;
}

/** How memory lies, in bytes unless the name says otherwise. */
export interface NativeUsage {
  /** held from the operating system */
  reserved: number;
  /** handed out, as rounded up */
  active: number;
  /** asked for by live blocks */
  requested: number;
  /** the largest block that could be handed out of what is reserved */
  largestFree: number;
  /** live, a count */
  liveBlocks: number;
}

export interface NativeAllocatorStats extends NativeCounters, NativeUsage {
  reservedPeak: number;
  /** blocks of a pool, live and free; 0 for other strategies */
  capacity: number;
  budget: number;
  limit: number;
}

/** Rows of `allocatorBlocks` and `sessionBlocks`: handle (0 for a session's), address, bytes, alignment, tag, sequence, engine clock in ms (0 unknown). */
export const BLOCK_FIELDS = 7;
/** Rows of spans held from the operating system: address, bytes. */
export const SPAN_FIELDS = 2;
/** Rows of `allocatorSamples`: engine clock in ms, bytes asked for, bytes reserved. */
export const SAMPLE_FIELDS = 3;
/** Rows of a trace: engine clock in ms, kind, block number, bytes, alignment, tag, lifetime. */
export const TRACE_FIELDS = 7;
export const TRACE_KINDS = ['allocate', 'free', 'reset', 'map', 'unmap'] as const;

/** Bin i holds values from 2^i to below 2^(i+1). */
export interface NativeHistograms {
  /** pairs: blocks, bytes */
  sizes: Float64Array;
  /** blocks, by microseconds that they lived */
  lifetimes: Float64Array;
  /** how many frees gave back the newest live block */
  newestFirst: number;
}

export interface NativeTrace {
  events: Float64Array;
  /** events beyond what is kept */
  lost: number;
}

export interface NativeReplay {
  reservedPeak: number;
  requestedPeak: number;
  /** at the moment of the peak of what was asked for */
  external: number;
  internal: number;
  nanosecondsPerOperation: number;
  /** the event that did not fit, and why; -1 when all did */
  failedAt: number;
  failure: string;
}

/** What `optimizeAllocator` changed. */
export interface NativeOptimization {
  /** pairs: block bytes, live blocks */
  before: Float64Array;
  after: Float64Array;
  trimmed: number;
  internalBefore: number;
  internalAfter: number;
  /** sizes whose blocks live long */
  lasting: Float64Array;
}

/** How a block is wanted, in one number, since each argument of a call costs nanoseconds. */
export function packBlockOptions(alignment: number, tag: number, lifetime: 0 | 1): number {
  return (tag * 32 + Math.log2(alignment)) * 2 + lifetime;
}

/** Blocks by number. `options` are as packed above. These report failure by what they return, and are called as they are: they cost tens of nanoseconds. */
export interface NativeBlocks {
  /** a handle; 0 when refused, see `refusal` */
  allocate(allocator: number, bytes: number, options: number): number;
  /** false when the handle names no live block of this allocator */
  free(allocator: number, handle: number): boolean;
  /** `bytes` for each handle, or where that is 0 what `sizes` says; how many were allocated */
  allocateMany(
    allocator: number,
    bytes: number,
    options: number,
    sizes: Float64Array,
    handles: Float64Array,
  ): number;
  /** how many were freed: all, or those before the first that names no live block */
  freeMany(allocator: number, handles: Float64Array): number;
}

/** What the engine's bytes are for. */
export const MEMORY_TAGS = ['weights', 'staging', 'activations', 'kv-cache', 'scratch'] as const;
export type MemoryTag = (typeof MEMORY_TAGS)[number];

export interface NativeMemory extends NativeCounters, NativeUsage {
  budget: number;
  reservedPeak: number;
  byTag: Record<MemoryTag, number>;
  peakByTag: Record<MemoryTag, number>;
}
