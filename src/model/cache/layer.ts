/** A layer of a mapped model: what it is made of, and what of it is cached. */
import type { LayerKind } from '../../native';
import { type CacheEntry, DEFAULT_PRIORITY } from './entry';
import type { TensorCache } from './tensor-cache';

/** What a layer is, whether or not its weights are in memory. */
export interface LayerDescription {
  readonly name: string;
  readonly kind: LayerKind;
  /** of its tensors; a tensor that two layers share counts in both */
  readonly bytes: number;
  /** element types of its tensors, most bytes first */
  readonly dtype: string;
  /** where its first tensor begins, in bytes from the start of that file */
  readonly offset: number;
  /** names, in the order of use */
  readonly tensors: readonly string[];
}

export type LayerState = 'on disk' | 'loading' | 'partly cached' | 'cached';

/**
 * A unit of loading: the weights that are needed together. State and counts are those of the model's cache; a session has its own copy
 * of the layers that it keeps, within its budget.
 *
 * @example
 * ```ts
 * const model = await openModel('model', { maxCacheSize: '4 MiB' });
 * const layer = model.layers[1];
 * layer.state; // 'on disk'
 * await layer.load();
 * layer.state; // 'cached'
 * layer.release();
 * layer.accessCount; // 1
 * ```
 */
export class Layer implements LayerDescription {
  readonly name: string;
  readonly kind: LayerKind;
  readonly bytes: number;
  readonly dtype: string;
  readonly offset: number;
  readonly tensors: readonly string[];
  readonly #cache: TensorCache;

  /** Layers come from `model.layers`. */
  constructor(description: LayerDescription, cache: TensorCache) {
    this.name = description.name;
    this.kind = description.kind;
    this.bytes = description.bytes;
    this.dtype = description.dtype;
    this.offset = description.offset;
    this.tensors = description.tensors;
    this.#cache = cache;
  }

  get state(): LayerState {
    const states = this.#entries.map(({ state }) => state);
    if (states.every((state) => state === 'cached')) return 'cached';
    if (states.includes('loading')) return 'loading';
    return states.includes('cached') ? 'partly cached' : 'on disk';
  }

  /** bytes of its tensors that the cache holds */
  get cachedBytes(): number {
    return this.#entries.reduce((sum, { state, tensor }) => sum + (state === 'cached' ? tensor.bytes : 0), 0);
  }

  /** how often the tensor of it that is used most was used through the cache: by `load()` or a view */
  get accessCount(): number {
    return Math.max(0, ...this.#entries.map(({ accessCount }) => accessCount));
  }

  /** milliseconds of performance.now(); null before the first use */
  get lastAccess(): number | null {
    const times = this.#entries.flatMap(({ lastAccess }) => lastAccess ?? []);
    return times.length > 0 ? Math.max(...times) : null;
  }

  /** Of two layers, the one with the lower number is given up first. 1 unless it is set. */
  get priority(): number {
    return this.#entries[0]?.priority ?? DEFAULT_PRIORITY;
  }

  set priority(priority: number) {
    for (const entry of this.#entries) entry.priority = priority;
  }

  /** Reads what of it is not cached, and counts as a use. @throws HyperionError `OVER_BUDGET`, `IO`, `CORRUPT`, `CLOSED` */
  async load(): Promise<void> {
    const entries = this.#entries;
    const pinned = await Promise.allSettled(entries.map((entry) => this.#cache.pin(entry)));
    pinned.forEach(({ status }, index) => {
      if (status === 'fulfilled') this.#cache.unpin(entries[index]!);
    });
    const failed = pinned.find(({ status }) => status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
  }

  /** Begins to read it in the background, where the cache has room or something that is not due soon. */
  prefetch(): void {
    for (const entry of this.#entries) this.#cache.prefetch(entry);
  }

  /** Gives up what of it no view holds. */
  release(): void {
    for (const entry of this.#entries) this.#cache.release(entry);
  }

  toString(): string {
    return `${this.name}: ${this.kind}, ${this.dtype}, ${this.state}`;
  }

  get #entries(): CacheEntry[] {
    return this.tensors.map((name) => this.#cache.entry(name));
  }
}
