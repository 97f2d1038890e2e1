/** Loading as the engine takes and tells it: options, reports, and the functions of loaders. Types and tables only. */
import type { NativeMemory, NativeStrategy } from './memory';

/** Ways of reading weights. */
export const IO = ['auto', 'direct', 'uring', 'buffered', 'mmap'] as const;
export type Io = (typeof IO)[number];

/** Which layers give way when the room for weights is used up. */
export const POLICIES = ['cyclic', 'lru', 'mfu', 'fifo', 'priority'] as const;
export type Policy = (typeof POLICIES)[number];

export interface NativeLoaderLayer {
  name: string;
  /** indices of tensors */
  tensors: readonly number[];
}

export interface NativeLoaderOptions {
  /** bytes; Infinity = unlimited */
  budget: number;
  /** layers; 0 = none is read ahead */
  prefetchWindow: number;
  adaptiveWindow: boolean;
  readers: number;
  io: Exclude<Io, 'mmap'>;
  policy: Policy;
  /** whether layers are given up when room is needed, and above the threshold when their use is over */
  unload: boolean;
  /** share of the budget */
  memoryThreshold: number;
  memory: NativeStrategy;
}

/** States of a layer, by the number that stands for them. */
export const LAYER_STATES = ['unloaded', 'prefetching', 'loading', 'loaded', 'unloading', 'error'] as const;

/** A row of `NativeLoading.layers`: state, bytes, resident bytes, bytes that stay, pins, loads, ms of the last load, priority. */
export const LAYER_FIELDS = 8;
export const RESIDENT_FIELD = 2;

/** How weights are held; sizes in bytes. */
export interface NativeLoading {
  /** of the budget for weights, when it was last chosen what stays; 0 before that */
  roomBytes: number;
  /** all that passes visit */
  neededBytes: number;
  /** what streams goes through */
  ringBytes: number;
  largestPartBytes: number;
  /** parts that are read ahead at most */
  window: number;
  /** in all: layers of a loader, of a session what its layers are cut into */
  parts: number;
  /** rows of LAYER_FIELDS */
  layers: Float64Array;
}

/** What loading has done; times in milliseconds. */
export interface NativeStoreStatistics {
  bytesRead: number;
  /** parts read to the end, and given up */
  loads: number;
  evictions: number;
  /** asked for while there, and while not */
  hits: number;
  stalls: number;
  stallMs: number;
  /** summed over reads that go on at once */
  readMs: number;
  /** while anything was read */
  readingMs: number;
  /** of readingMs, while something computed */
  overlapMs: number;
  computeMs: number;
  io: Exclude<Io, 'auto'>;
}

export interface NativeLoaderFunctions {
  createLoader(model: number, layers: readonly NativeLoaderLayer[], options: NativeLoaderOptions): number;
  /** detaches its views; resolves when its bytes are 0 */
  closeLoader(loader: number): Promise<void>;
  /**
   * Requests are numbered by the caller, each number once. `ahead` are layers that will be asked for next; without any, those that
   * follow. One that pins is known by its number until it is released.
   */
  loadLayer(loader: number, request: number, layer: number, ahead: Int32Array, pins: boolean): Promise<void>;
  unloadLayer(loader: number, request: number, layer: number): Promise<void>;
  /** unloads all that is not pinned */
  clearLoader(loader: number, request: number): Promise<void>;
  setLoaderBudget(loader: number, request: number, budget: number): Promise<void>;
  cancelRequest(loader: number, request: number): void;
  setLayerPriority(loader: number, layer: number, priority: number): void;
  /** false when there was no such pin */
  releaseLayer(loader: number, pin: number): boolean;
  /** a pinned layer's memory; detached when its last pin is released */
  viewLayer(loader: number, pin: number): ArrayBuffer;
  /** where in that memory a tensor of the layer begins, in bytes */
  tensorPlace(loader: number, layer: number, tensor: number): number;
  /** all elements of a tensor of a pinned layer as float32 numbers; throws UNSUPPORTED for 'DATA' */
  pinnedValues(loader: number, pin: number, tensor: number, out: Float32Array): Promise<void>;
  loaderMemory(loader: number): NativeMemory;
  /** rows of BLOCK_FIELDS, oldest first */
  loaderBlocks(loader: number): Float64Array;
  /** rows of SPAN_FIELDS */
  loaderSpans(loader: number): Float64Array;
  loaderLoading(loader: number): NativeLoading;
  loaderStatistics(loader: number): NativeStoreStatistics;
}
