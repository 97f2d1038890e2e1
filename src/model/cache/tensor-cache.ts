/**
 * The cache of a mapped model: bytes of tensors in engine memory, read and not mapped, so that a file that is cut short is an error and
 * never a signal. What it may hold is bounded; what goes when it is full is a policy's choice.
 */
import { HyperionError } from '../../errors';
import { Allocator } from '../../memory/allocator';
import { resolveStrategy } from '../../memory/strategy';
import { native } from '../../native';
import { formatBytes } from '../../units';
import { AccessPattern, type PatternKind } from './access-pattern';
import { AdaptivePolicy } from './adaptive-policy';
import { type CachedTensor, CacheEntry, smallestOf } from './entry';
import type { ResolvedCacheOptions } from './options';
import { type EvictionPolicy, RecencyPolicy } from './policy';

/** Where the bytes come from. */
export type ReadTensor = (tensor: CachedTensor, out: Uint8Array) => Promise<void>;

/** Counted since the model was opened; sizes in bytes. */
export interface CacheStatistics {
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  readonly prefetches: number;
  readonly bytesRead: number;
  /** held from the operating system now */
  readonly reserved: number;
  readonly maxCacheSize: number;
  readonly pattern: PatternKind;
  /** the rule that chooses what goes: LRU, LFU or recurrence */
  readonly policy: string;
}

export class TensorCache {
  readonly #entries: readonly CacheEntry[];
  readonly #byName: ReadonlyMap<string, CacheEntry>;
  readonly #policy: EvictionPolicy;
  readonly #pattern = new AccessPattern();
  readonly #counts = { hits: 0, misses: 0, evictions: 0, prefetches: 0, bytesRead: 0 };
  #allocator: Allocator | undefined;
  #reads = 0;
  #closed = false;

  /**
   * @param layers tensors by layer, in the order of execution; each tensor once
   * @param name what statistics and reports call it
   */
  constructor(
    layers: readonly (readonly CachedTensor[])[],
    private readonly read: ReadTensor,
    private readonly options: ResolvedCacheOptions,
    private readonly name: string,
  ) {
    const kept = new Set(layers.flatMap((layer) => smallestOf(layer, options.minLayerCacheSize)));
    this.#entries = layers.flat().map((tensor, key) => new CacheEntry(key, tensor, kept.has(tensor)));
    this.#byName = new Map(this.#entries.map((entry) => [entry.tensor.name, entry]));
    const sizeOf = (key: number) => this.#entries[key]!.tensor.bytes;
    this.#policy = options.adaptiveCaching
      ? new AdaptivePolicy(options.maxCacheSize, sizeOf)
      : new RecencyPolicy();
  }

  entry(name: string): CacheEntry {
    return this.#byName.get(name)!;
  }

  get statistics(): CacheStatistics {
    const policy = this.#policy instanceof AdaptivePolicy ? this.#policy.following : this.#policy.name;
    const reserved = this.#allocator?.stats().reserved ?? 0;
    const { maxCacheSize } = this.options;
    return { ...this.#counts, reserved, maxCacheSize, pattern: this.#pattern.kind, policy };
  }

  /**
   * Uses a tensor: when this resolves its bytes are cached, and they stay until `unpin`.
   *
   * @throws HyperionError `OVER_BUDGET` when there is no room for it, `IO`, `CORRUPT`, `CLOSED`
   */
  async pin(entry: CacheEntry): Promise<void> {
    this.#checkOpen();
    this.#note(entry);
    entry.pins += 1;
    try {
      while (entry.state !== 'cached') {
        // What reads it already may do so for less than this: if it fails, this tries by itself.
        await (entry.loading?.catch(() => {}) ?? this.#load(entry, () => this.#evict()));
        this.#checkOpen();
      }
    } catch (error) {
      entry.pins -= 1;
      throw error;
    }
    this.#readAhead();
  }

  unpin(entry: CacheEntry): void {
    entry.pins -= 1;
  }

  /** The memory of a tensor that is pinned, without a copy. Empty once the tensor is given up, or nobody looks any more. */
  openView(entry: CacheEntry): Uint8Array<ArrayBuffer> {
    entry.views += 1;
    return entry.tensor.bytes === 0 ? new Uint8Array() : this.#allocator!.view(entry.block);
  }

  /** The last view that is closed leaves an empty array where the bytes were. */
  closeView(entry: CacheEntry): void {
    entry.views -= 1;
    if (this.#closed) return;
    if (entry.views === 0 && entry.block !== 0) this.#allocator!.endView(entry.block);
    this.unpin(entry);
  }

  /** Reads a tensor in the background, into room that nothing that comes sooner needs. */
  prefetch(entry: CacheEntry): void {
    if (this.#closed || entry.state !== 'absent') return;
    // Whoever needs it will meet the same error, and can be told.
    this.#load(entry, () => this.#evict({ sparing: true })).then(
      () => {
        this.#counts.prefetches += 1;
      },
      () => {},
    );
  }

  /** Gives a tensor up unless it is pinned or being read. */
  release(entry: CacheEntry): void {
    if (entry.canGo) this.#giveUp(entry);
  }

  /** Gives all memory back; views become empty. What is being read is given up when its read ends. */
  close(): void {
    this.#closed = true;
    for (const entry of this.#entries) if (entry.state === 'cached') this.#giveUp(entry);
    this.#closeWhenQuiet();
  }

  #note(entry: CacheEntry): void {
    this.#counts[entry.state === 'absent' ? 'misses' : 'hits'] += 1;
    entry.accessCount += 1;
    entry.lastAccess = performance.now();
    this.#policy.access(entry.key);
    this.#pattern.access(entry.key);
  }

  #readAhead(): void {
    if (!this.options.prefetch) return;
    for (const key of this.#pattern.next(this.options.prefetchThreads)) {
      const entry = this.#entries[key];
      if (entry && this.#reads < this.options.prefetchThreads) this.prefetch(entry);
    }
  }

  /** @param makeRoom gives something up, and says whether it did */
  #load(entry: CacheEntry, makeRoom: () => boolean): Promise<void> {
    entry.state = 'loading';
    entry.loading = this.#readInto(entry, makeRoom).then(
      () => this.#settle(entry, 'cached'),
      (error) => {
        this.#settle(entry, 'absent');
        throw error;
      },
    );
    return entry.loading;
  }

  async #readInto(entry: CacheEntry, makeRoom: () => boolean): Promise<void> {
    this.#reads += 1;
    const { tensor } = entry;
    if (tensor.bytes === 0) return;
    entry.block = await this.#room(entry, makeRoom);
    await this.read(tensor, this.#allocator!.view(entry.block));
    this.#counts.bytesRead += tensor.bytes;
  }

  #settle(entry: CacheEntry, state: 'cached' | 'absent'): void {
    this.#reads -= 1;
    entry.loading = undefined;
    entry.state = state;
    if (state === 'absent' || this.#closed) this.#giveUp(entry);
    if (this.#closed) this.#closeWhenQuiet();
  }

  /** A block for the tensor; other reads may have to end first, so that what they brought can go. */
  async #room(entry: CacheEntry, makeRoom: () => boolean): Promise<number> {
    for (;;) {
      try {
        return this.#allocate(entry.tensor.bytes, makeRoom);
      } catch (error) {
        if (!(error instanceof HyperionError) || error.code !== 'OVER_BUDGET') throw error;
        const others = this.#entries.flatMap(({ loading, block }) => (loading && block ? [loading] : []));
        if (others.length === 0) throw this.#full(entry.tensor);
        await Promise.allSettled(others);
        this.#checkOpen();
      }
    }
  }

  #allocate(bytes: number, makeRoom: () => boolean): number {
    this.#allocator ??= new Allocator(
      {
        budget: this.options.maxCacheSize,
        limit: Number.POSITIVE_INFINITY,
        source: resolveStrategy('dynamic'),
      },
      'cache',
      this.name,
    );
    const allocator = this.#allocator;
    allocator.onFailure(makeRoom);
    // Aligned to pages, a block has pages of its own: what one tensor gives up, whatever its size, any other can take.
    return allocator.allocate(bytes, {
      tag: 'weights',
      alignment: native().pageBytes(),
      lifetime: 'lasting',
    });
  }

  /**
   * Gives up one tensor; false when none can go. Low priorities go first, then what comes late, then what is not among the smallest of
   * its layer; of what is left the policy chooses.
   *
   * @param sparing also of the last, what is due soon stays
   */
  #evict({ sparing } = { sparing: false }): boolean {
    const soon = new Set(this.#pattern.next(this.options.prefetchThreads));
    const all = this.#entries.filter(({ canGo, tensor }) => canGo && tensor.bytes > 0);
    const lowest = Math.min(...all.map(({ priority }) => priority));
    const least = all.filter(({ priority }) => priority === lowest);
    const late = least.filter(({ key }) => !soon.has(key));
    const allowed = sparing || late.length > 0 ? late : least;
    const large = allowed.filter(({ isKept }) => !isKept);
    const candidates = large.length > 0 ? large : allowed;
    if (candidates.length === 0) return false;
    candidates.sort((one, two) => (one.lastAccess ?? 0) - (two.lastAccess ?? 0));
    this.#counts.evictions += 1;
    this.#giveUp(this.#entries[this.#policy.victim(candidates.map(({ key }) => key))]!);
    return true;
  }

  #giveUp(entry: CacheEntry): void {
    if (entry.block !== 0) this.#allocator!.free(entry.block);
    entry.block = 0;
    entry.state = 'absent';
  }

  #closeWhenQuiet(): void {
    if (this.#reads === 0) this.#allocator?.close();
  }

  #checkOpen(): void {
    if (this.#closed) throw new HyperionError('CLOSED', 'the model is closed; open it again');
  }

  #full({ name, bytes }: CachedTensor): HyperionError {
    const { maxCacheSize } = this.options;
    const pinned = this.#entries.reduce(
      (sum, { pins, tensor, block }) => sum + (pins && block ? tensor.bytes : 0),
      0,
    );
    const held = pinned > 0 ? `, of which views and loads hold ${formatBytes(pinned)}; close them, or` : ';';
    return new HyperionError(
      'OVER_BUDGET',
      `tensor '${name}' of ${formatBytes(bytes)} has no room in the cache: maxCacheSize is ` +
        `${formatBytes(maxCacheSize)}${held} open the model with a larger one`,
      { neededBytes: bytes, maxCacheBytes: maxCacheSize, pinnedBytes: pinned },
    );
  }
}
