/**
 * The only file that loads the addon, and the type of every function in it. Handles are numbers; a tensor, a layer or a
 * buffer is named by its index. Above this file nothing knows that there is an addon.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { HyperionError, type HyperionErrorCode, type HyperionErrorDetails } from './errors';
import type { NativeGraph } from './native/graph';
import type {
  Io,
  NativeLoaderFunctions,
  NativeLoading,
  NativeStoreStatistics,
  Policy,
} from './native/loader';
import {
  MEMORY_TAGS,
  type NativeAllocatorConfig,
  type NativeAllocatorStats,
  type NativeBlocks,
  type NativeCounters,
  type NativeHistograms,
  type NativeMemory,
  type NativeOptimization,
  type NativeReplay,
  type NativeStrategy,
  type NativeTrace,
} from './native/memory';
import { packageRoot } from './root';

export * from './native/graph';
export * from './native/loader';
export * from './native/memory';

const FLOAT_DTYPES = ['F32', 'F16', 'BF16'] as const;

/** The element types that the engine computes with: floating-point numbers, and GGUF's blocks of quantized ones. */
export const COMPUTE_DTYPES = [
  ...FLOAT_DTYPES,
  'Q4_0',
  'Q4_1',
  'Q5_0',
  'Q5_1',
  'Q8_0',
  'Q2_K',
  'Q3_K',
  'Q4_K',
  'Q5_K',
  'Q6_K',
] as const;
export type FloatDtype = (typeof FLOAT_DTYPES)[number];
export type ComputeDtype = (typeof COMPUTE_DTYPES)[number];

export interface NativeTensor {
  name: string;
  /** index into `files` of the model */
  file: number;
  /** bytes from the start of the file */
  offset: number;
  bytes: number;
  /** 'DATA' = bytes that the engine reads and does not compute with */
  dtype: ComputeDtype | 'DATA';
  shape: readonly number[];
}

/** Bytes of a file whose checksum was taken when they were written; loading holds them against it. */
export interface NativeCheckedRange {
  name: string;
  /** index into `files` of the model */
  file: number;
  /** bytes from the start of the file */
  offset: number;
  bytes: number;
  crc32: number;
}

export interface NativeModelSpec {
  files: readonly string[];
  tensors: readonly NativeTensor[];
  checksums: readonly NativeCheckedRange[];
}

export interface NativeSessionOptions {
  /** bytes; Infinity = unlimited */
  budget: number;
  threads: number;
  /** layers read ahead of the one that computes */
  prefetchWindow: number;
  readers: number;
  io: Io;
  memory: NativeStrategy;
  /** how keys and values are held */
  kv: 'f32' | 'int8';
  policy: Policy;
  /** reads further ahead than the window while reading stalls and memory allows */
  adaptiveWindow: boolean;
}

/** What a session needs, in bytes unless the name says otherwise. */
export interface NativePlan {
  /** the least budget under which the session runs */
  smallestBudgetBytes: number;
  /** the least budget under which nothing is read twice */
  workingSetBytes: number;
  /** what of the weights must be resident at one time */
  largestPartBytes: number;
  activationBytes: number;
  kvBytes: number;
  scratchBytes: number;
  stagingBytes: number;
  weightBytes: number;
  /** tokens that one prefill step computes together */
  prefillChunk: number;
}

export interface NativeStatistics extends NativeStoreStatistics {
  tokens: number;
  /** tokens in the KV cache */
  position: number;
  prefillChunk: number;
  /** that the latest pass computed with */
  threads: number;
  /** indices of layers */
  residentLayers: readonly number[];
}

/** Kinds of recorded events, by the number that stands for them in `drainEvents`. */
export const EVENT_KINDS = [
  'read begin',
  'load',
  'evict',
  'compute begin',
  'compute end',
  'memory',
  'pass begin',
  'pass end',
  'stall begin',
  'stall end',
  'drop',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export const EVENT_FIELDS = 6 + MEMORY_TAGS.length;

/** A part of a pass in `forward`: sequence, tokens, and whose results it asks for, a RESULT_ROWS. */
export const PART_FIELDS = 3;
export const RESULT_ROWS = { none: 0, last: 1, all: 2 } as const;

/** Sequences of a session are numbered below this. */
export const MOST_SEQUENCES = 1024;

export interface Addon extends NativeLoaderFunctions {
  openModel(spec: NativeModelSpec): number;
  closeModel(model: number): void;
  /** raw bytes of one tensor */
  readTensor(model: number, tensor: number, out: Uint8Array): Promise<void>;
  /** elements from `first` on as float32 numbers, exact to one rounding; throws UNSUPPORTED for 'DATA' */
  readValues(model: number, tensor: number, first: number, out: Float32Array): Promise<void>;
  /** bytes of a tensor, from byte `first` on */
  readTensorPart(model: number, tensor: number, first: number, out: Uint8Array): Promise<void>;
  /** bytes of a page of memory */
  pageBytes(): number;
  /** pages of a file, the last one included that it fills in part */
  filePages(model: number, file: number): number;
  /** for each page of a file whether it is in the page cache, 1 or 0 */
  residentPages(model: number, file: number, out: Uint8Array): Promise<void>;
  /** bytes per second at which the disk gives all files once, past the page cache, of which nothing is kept, into the one number of `out` */
  readFiles(model: number, readers: number, out: Float32Array): Promise<void>;
  /** asks the operating system to forget cached pages of the files */
  dropCache(model: number): void;
  /** what a session over `positions` tokens needs; allocates nothing */
  plan(model: number, graph: NativeGraph, options: NativeSessionOptions, positions: number): NativePlan;
  createSession(model: number, graph: NativeGraph, options: NativeSessionOptions): number;
  /** throws OVER_BUDGET unless sequences of these lengths fit together */
  reserve(session: number, lengths: readonly number[]): void;
  /** the same for sequences by their numbers, 0 for none; setSessionBudget leaves room for them until others are named */
  keepRoom(session: number, lengths: readonly number[]): void;
  /** the least budget for sequences of these lengths, by number; for what setSessionBudget leaves room for where none are named */
  smallestBudget(session: number, lengths: readonly number[]): number;
  /** resolves when the session holds no more than `budget`; Infinity = unlimited */
  setSessionBudget(session: number, budget: number): Promise<void>;
  /** appends to sequences the ids of rows of PART_FIELDS, one after the other; `results` takes the rows that they ask for */
  forward(session: number, ids: Int32Array, parts: Int32Array, results: Float32Array): Promise<void>;
  /** forgets the tokens of a sequence from `position` on */
  rewind(session: number, sequence: number, position: number): void;
  reset(session: number): void;
  cancel(session: number): void;
  /** resolves when the session's bytes are 0 */
  closeSession(session: number): Promise<void>;
  sessionMemory(session: number): NativeMemory;
  sessionStatistics(session: number): NativeStatistics;
  sessionLoading(session: number): NativeLoading;
  setSessionPriority(session: number, layer: number, priority: number): void;
  recordEvents(session: number, on: boolean): void;
  /** rows of EVENT_FIELDS: engine clock in ms, kind, layer (-1 none), bytes, peak, reserved, then bytes by tag */
  drainEvents(session: number): { events: Float64Array; lost: number };
  /** rows of BLOCK_FIELDS, oldest first */
  sessionBlocks(session: number): Float64Array;
  /** rows of SPAN_FIELDS */
  sessionSpans(session: number): Float64Array;
  /** follows allocations from now on; the blocks that are live come first */
  startSessionTrace(session: number): void;
  /** what was followed up to now; ends the trace */
  takeSessionTrace(session: number): NativeTrace & { initialPoolSize: number };
  readonly blocks: NativeBlocks;
  createAllocator(config: NativeAllocatorConfig): number;
  /** frees what is live, detaching its views */
  closeAllocator(allocator: number): void;
  allocatorStats(allocator: number): NativeAllocatorStats;
  /** rows of BLOCK_FIELDS, oldest first */
  allocatorBlocks(allocator: number): Float64Array;
  /** rows of SPAN_FIELDS */
  allocatorSpans(allocator: number): Float64Array;
  /** rows of SAMPLE_FIELDS, oldest first; empty while the allocator is not tracked */
  allocatorSamples(allocator: number): Float64Array;
  allocatorHistograms(allocator: number): NativeHistograms;
  trackAllocator(allocator: number, on: boolean): void;
  /** throws INVALID below what is used */
  setAllocatorLimits(allocator: number, budget: number, limit: number): void;
  resetAllocator(allocator: number): void;
  /** bytes given back */
  trimAllocator(allocator: number): number;
  /** a new level of counters, all 0 */
  pushCounters(allocator: number): void;
  /** takes the newest level off; throws INVALID when there is none */
  popCounters(allocator: number): NativeCounters;
  /** hybrid only, else throws INVALID */
  optimizeAllocator(allocator: number): NativeOptimization;
  startTrace(allocator: number): void;
  takeTrace(allocator: number): NativeTrace;
  /** throws why such a block is refused */
  refusal(allocator: number, bytes: number, options: number): never;
  /** of a handle that names no live block: was it freed, and what was it */
  describeHandle(
    allocator: number,
    handle: number,
  ): { kind: 'freed' | 'stale' | 'foreign'; bytes: number; tag: number };
  /** the block's memory; detached when the block is freed */
  viewBlock(allocator: number, handle: number): ArrayBuffer;
  /** detaches that buffer now; the block stays */
  detachBlock(allocator: number, handle: number): void;
  /** runs a trace through a fresh allocator, off the JavaScript thread */
  replay(events: Float64Array, config: NativeAllocatorConfig): Promise<NativeReplay>;
  /** bytes asked for by live blocks of the process, over all sessions and allocators */
  processUsage(): { current: number; peak: number };
  /** the engine's monotonic clock in ms */
  clockMs(): number;
  processMemory(): { resident: number; residentPeak: number; fileBacked: number };
  resetResidentPeak(): boolean;
  cpu(): { instructionSet: 'scalar' | 'avx2' | 'avx512'; cores: number; features: string[] };
  /** engine bytes alive in the process, over all sessions */
  liveBytes(): number;
  /** bytes per second at which threads together read so much memory, the best of a few times, into the one number of `out` */
  readMemory(bytes: number, threads: number, out: Float32Array): Promise<void>;
  /** seeded, roughly normal values; equal for any division into chunks */
  fillNormal(
    out: Uint8Array,
    dtype: FloatDtype,
    seed: number,
    firstElement: number,
    std: number,
  ): Promise<void>;
}

let loaded: Addon | undefined;

/** The addon, loaded at first use, so that help texts and header parsing work without it. */
export function native(): Addon {
  loaded ??= translateErrors(load());
  return loaded;
}

function load(): Record<string, unknown> {
  const path = join(packageRoot, 'native/build/Release/hyperion.node');
  if (!existsSync(path))
    throw new HyperionError(
      'IO',
      `the native addon is not built (${path} is missing); run: npm run build:native`,
    );
  return createRequire(__filename)(path);
}

type AnyFunction = (...args: unknown[]) => unknown;

/** Gives every error that leaves the addon the one error class of the API. `blocks` throws none, and stays as it is. */
function translateErrors(addon: Record<string, unknown>): Addon {
  const wrapped = Object.entries(addon).map(([name, value]) => [
    name,
    typeof value === 'function' ? wrap(value as AnyFunction) : value,
  ]);
  return Object.fromEntries(wrapped);
}

function wrap(call: AnyFunction): AnyFunction {
  return (...args) => {
    try {
      const result = call(...args);
      return result instanceof Promise ? result.catch(rethrow) : result;
    } catch (error) {
      return rethrow(error);
    }
  };
}

function rethrow(error: unknown): never {
  const { code, message, details } = error as {
    code?: string;
    message: string;
    details?: HyperionErrorDetails;
  };
  // An error without a code of ours is a misuse of the binding: a defect to be seen as it is.
  if (!(error instanceof Error) || !isErrorCode(code)) throw error;
  throw new HyperionError(code, message, details ?? {});
}

const CODES: Readonly<Record<HyperionErrorCode, true>> = {
  OVER_BUDGET: true,
  OUT_OF_MEMORY: true,
  BAD_FORMAT: true,
  CORRUPT: true,
  IO: true,
  UNSUPPORTED: true,
  CANCELLED: true,
  INVALID: true,
  CLOSED: true,
};

function isErrorCode(code: string | undefined): code is HyperionErrorCode {
  return code !== undefined && Object.hasOwn(CODES, code);
}
