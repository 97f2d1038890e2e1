/** Allocators: memory handed out in blocks, inside limits, with every block on the books. */
import { markAsUntransferable } from 'node:worker_threads';
import { type Figure, fragmentationFigure, jupyterDisplay, type MimeBundle } from '../display';
import { BlockList } from '../monitoring/block-list';
import { memoryMap } from '../monitoring/fragmentation';
import type { HolderSample } from '../monitoring/holders';
import { type NativeAllocatorConfig, type NativeBlocks, native } from '../native';
import { Block, type ViewType } from './block';
import { type BlockOptions, readBlockSize, resolveBlockOptions } from './block-options';
import { parseBudget } from './budget';
import { Counters } from './counters';
import { Handle } from './handle';
import { AllocatorHolder, type OwnTracking } from './holder';
import { misused } from './misuse';
import { Optimization } from './optimization';
import { refuse } from './refusal';
import { AllocatorStats } from './stats';
import type { Size } from './strategy';
import { AllocationTrace } from './trace';

/** A request that was refused. */
export interface RefusedRequest {
  readonly bytes: number;
  /** how often it was refused, from 1 */
  readonly attempt: number;
}

/** Makes room and returns true to try again, or returns false to give up. */
export type FailureCallback = (request: RefusedRequest) => boolean;

/** Whoever holds a view holds its allocator, which would otherwise be closed when nobody else does. */
const pinned = new WeakMap<ArrayBuffer, Allocator>();

/** A callback that says yes so many times and makes no room is not asked again. */
const MOST_ATTEMPTS = 1000;

/**
 * Memory in blocks. A block is known by its handle, a number: one that is stale, or of another allocator, is refused. Made by
 * `createAllocator()`; a `Pool` is one too.
 *
 * @example
 * ```ts
 * using allocator = createAllocator({ strategy: 'dynamic', limit: '1 MiB' });
 * const block = allocator.allocate('4 KiB', { tag: 'samples' });
 * allocator.view(block, Float32Array).fill(1);
 * allocator.free(block);
 * allocator.stats().liveBlocks; // 0
 * ```
 */
export class Allocator {
  readonly name: string;
  readonly #config: NativeAllocatorConfig;
  readonly #blocks: NativeBlocks = native().blocks;
  readonly #holder: AllocatorHolder;
  readonly #handle: Handle;
  readonly #phases: string[] = [];
  /** the engine's number; 0, which names none, once this is closed */
  #id: number;
  #onFailure: FailureCallback | undefined;

  /** Allocators come from `createAllocator()`, pools from `createPool()`. */
  constructor(
    config: NativeAllocatorConfig,
    kind: 'allocator' | 'pool' | 'cache',
    name: string | undefined,
    tracking: OwnTracking = { on: false, callSites: false },
  ) {
    this.#config = config;
    this.#id = native().createAllocator(config);
    const holder = new AllocatorHolder(this.#id, name, kind, config.source.strategy, tracking);
    this.#holder = holder;
    this.name = holder.name;
    // Nothing in this scope may capture `this`: the finalizer would then keep alive what it waits for.
    this.#handle = new Handle(this, kind, this.#id, () => holder.close());
  }

  get strategy(): NativeAllocatorConfig['source']['strategy'] {
    return this.#config.source.strategy;
  }

  get closed(): boolean {
    return this.#handle.closed;
  }

  /**
   * Takes a block. What it holds is unspecified.
   *
   * @param size bytes, from 1 to 2^53 - 1, as a number or as text such as '4 KiB'
   * @returns the block's handle
   * @throws HyperionError `INVALID` for a size or an option, `OVER_BUDGET` beyond a limit, `OUT_OF_MEMORY`, `CLOSED`
   */
  allocate(size: Size, options?: BlockOptions): number {
    const bytes = readBlockSize(size);
    const packed = resolveBlockOptions(options);
    let handle = this.#blocks.allocate(this.#id, bytes, packed);
    for (let attempt = 1; handle === 0; attempt += 1) {
      this.#makeRoom(bytes, packed, attempt);
      handle = this.#blocks.allocate(this.#id, bytes, packed);
    }
    if (this.#holder.tracksCallSites) this.#holder.noteCallSite(handle);
    return handle;
  }

  /**
   * Takes a block for each size, in one call: all of them or none.
   *
   * @param sizes bytes of each
   * @returns handles, in the order of the sizes
   * @throws HyperionError as `allocate`; no block is taken then
   */
  allocateMany(sizes: ArrayLike<number>, options?: BlockOptions): Float64Array {
    for (let i = 0; i < sizes.length; i += 1) readBlockSize(sizes[i]!);
    return this.takeMany(0, Float64Array.from(sizes), new Float64Array(sizes.length), options);
  }

  /**
   * Gives a block back. Views of it become empty.
   *
   * @throws HyperionError `INVALID` for a handle that names no live block of this allocator, `CLOSED`
   */
  free(block: number): void {
    if (!this.#blocks.free(this.#id, block)) this.#refuse(block);
    if (this.#holder.tracksCallSites) this.#holder.forgetCallSite(block);
  }

  /**
   * Gives many blocks back, in one call.
   *
   * @throws HyperionError `INVALID` at the first handle that names no live block; those before it are freed
   */
  freeMany(blocks: ArrayLike<number>): void {
    const handles = blocks instanceof Float64Array ? blocks : Float64Array.from(blocks);
    const freed = this.#blocks.freeMany(this.#id, handles);
    if (this.#holder.tracksCallSites)
      for (const handle of handles.subarray(0, freed)) this.#holder.forgetCallSite(handle);
    if (freed < handles.length) this.#refuse(handles[freed]!);
  }

  /** Takes a block as an object that `using` gives back. @throws HyperionError as `allocate` */
  block(size: Size, options?: BlockOptions): Block {
    return new Block(this, this.allocate(size, options), readBlockSize(size));
  }

  /**
   * The memory of a block as a typed array, without a copy. When the block is freed, or the allocator closed, the view becomes
   * empty: it never shows memory that is not the block's. Until then it pins the block, also when nobody else holds the allocator.
   * It cannot be transferred to another thread.
   *
   * @param type its elements; as many as fit whole into the block are seen
   * @throws HyperionError `INVALID` for a handle that names no live block, `CLOSED`
   */
  view(block: number): Uint8Array<ArrayBuffer>;
  view<T extends ArrayBufferView>(block: number, type: ViewType<T>): T;
  view(block: number, type: ViewType<ArrayBufferView> = Uint8Array): ArrayBufferView {
    const buffer = native().viewBlock(this.#handle.get(), block) ?? this.#refuse(block);
    markAsUntransferable(buffer);
    pinned.set(buffer, this);
    return new type(buffer, 0, Math.floor(buffer.byteLength / type.BYTES_PER_ELEMENT));
  }

  /** Makes the views of a block empty; the block stays. @throws HyperionError `CLOSED` */
  endView(block: number): void {
    native().detachBlock(this.#handle.get(), block);
  }

  /** What it holds at this moment. @throws HyperionError `CLOSED` */
  stats(): AllocatorStats {
    this.#handle.get();
    return new AllocatorStats(this.name, this.strategy, this.#holder.stats());
  }

  /** The blocks that are live, oldest first. @throws HyperionError `CLOSED` */
  liveBlocks(): BlockList {
    this.#handle.get();
    return new BlockList(`Live blocks of ${this.name}`, this.#holder.blocks());
  }

  /** What it used over time, the newest 4096 moments; null while it is not tracked. @throws HyperionError `CLOSED` */
  samples(): HolderSample[] | null {
    this.#handle.get();
    return this.#holder.samples();
  }

  /** Where blocks and holes lie, as a picture. @throws HyperionError `CLOSED` */
  plot(): Figure {
    this.#handle.get();
    return fragmentationFigure(memoryMap(this.#holder));
  }

  /**
   * Sets limits anew; those not given stay.
   *
   * @throws HyperionError `INVALID` for a limit below what is used now; the old ones stay then
   */
  setLimits(limits: { readonly budget?: Size; readonly limit?: Size }): void {
    const id = this.#handle.get();
    const { budget, limit } = this.#holder.stats();
    native().setAllocatorLimits(
      id,
      limits.budget === undefined ? budget : parseBudget(limits.budget),
      limits.limit === undefined ? limit : parseBudget(limits.limit, 'limit'),
    );
  }

  /**
   * Calls `callback` when a block is refused: it may free something, and says whether to try again. Undefined: refusals throw.
   * `allocateMany` does not ask it.
   */
  onFailure(callback: FailureCallback | undefined): void {
    this.#onFailure = callback;
  }

  /** Begins a phase with counters of its own, which start at 0; phases nest. */
  pushCounters(phase: string): void {
    native().pushCounters(this.#handle.get());
    this.#phases.push(phase);
  }

  /** Ends the newest phase. @throws HyperionError `INVALID` when there is none */
  popCounters(): Counters {
    const counters = native().popCounters(this.#handle.get());
    return new Counters(this.#phases.pop()!, counters);
  }

  /** Frees every block at once. Views become empty. */
  reset(): void {
    native().resetAllocator(this.#handle.get());
    this.#holder.forgetCallSites();
  }

  /** Gives the operating system back what no block needs; returns how many bytes. */
  trim(): number {
    return native().trimAllocator(this.#handle.get());
  }

  /** Chooses pools anew from what was seen: what changed, and what that saves. @throws HyperionError `INVALID` unless it is hybrid */
  optimize(): Optimization {
    return new Optimization(this.name, native().optimizeAllocator(this.#handle.get()));
  }

  /** Follows every allocation from now on, to be replayed. A trace that runs already is begun anew. */
  startTrace(): void {
    native().startTrace(this.#handle.get());
  }

  /** Ends the trace. @throws HyperionError `INVALID` when none runs */
  stopTrace(): AllocationTrace {
    return AllocationTrace.of(this.name, this.#config, native().takeTrace(this.#handle.get()));
  }

  /** Gives all memory back. Blocks that are live then have leaked, see `leaks()`. Doing it again does nothing. */
  close(): void {
    this.#id = 0;
    this.#handle.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  toString(): string {
    return this.closed ? `${this.name}: closed` : this.stats().toString();
  }

  [jupyterDisplay](): MimeBundle {
    return this.closed ? { 'text/plain': this.toString() } : this.stats()[jupyterDisplay]();
  }

  /** @param bytes of each block, or 0 where `sizes` says */
  protected takeMany(
    bytes: number,
    sizes: Float64Array,
    handles: Float64Array,
    options: BlockOptions | undefined,
  ): Float64Array {
    const packed = resolveBlockOptions(options);
    const taken = this.#blocks.allocateMany(this.#id, bytes, packed, sizes, handles);
    if (taken < handles.length) {
      this.#blocks.freeMany(this.#id, handles.subarray(0, taken));
      refuse(this.#handle.get(), bytes || sizes[taken]!, packed, this.#holder);
    }
    if (this.#holder.tracksCallSites) for (const handle of handles) this.#holder.noteCallSite(handle);
    return handles;
  }

  /** Has the callback make room, or throws why the block is refused. */
  #makeRoom(bytes: number, packed: number, attempt: number): void {
    const id = this.#handle.get();
    const mayTry = attempt <= MOST_ATTEMPTS && this.#onFailure?.({ bytes, attempt }) === true;
    if (!mayTry) refuse(id, bytes, packed, this.#holder);
  }

  #refuse(block: number): never {
    throw misused(this.name, native().describeHandle(this.#handle.get(), block));
  }
}
