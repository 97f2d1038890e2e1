/** An allocator of the engine as monitoring sees it. It outlives the object that the user holds by as long as it takes to close it. */
import {
  addHolder,
  type HeldBlock,
  type HeldSpan,
  type Holder,
  type HolderFigures,
  type HolderHistograms,
  type HolderKind,
  type HolderSample,
  nextHolderNumber,
  removeHolder,
} from '../monitoring/holders';
import { callSite, isTracking, onTracking, tracksCallSites } from '../monitoring/tracking';
import { type NativeAllocatorStats, native } from '../native';
import { toBlocks, toHistograms, toSamples, toSpans } from './rows';

/** What is followed of one allocator whether or not everything is. */
export interface OwnTracking {
  readonly on: boolean;
  readonly callSites: boolean;
}

const open = new Set<AllocatorHolder>();
// Allocators are followed while `enableMemoryTracking(true)` holds.
onTracking(() => {
  for (const holder of open) holder.follow();
});

export class AllocatorHolder implements Holder {
  readonly number = nextHolderNumber();
  readonly name: string;
  readonly #callSites = new Map<number, string>();

  /** @param id the engine's number of the allocator */
  constructor(
    private readonly id: number,
    name: string | undefined,
    readonly kind: HolderKind,
    readonly strategy: string,
    private readonly own: OwnTracking,
  ) {
    this.name = name ?? `${kind} ${this.number}`;
    open.add(this);
    addHolder(this);
    this.follow();
  }

  /** Whether blocks, sizes and times are followed. */
  get isTracked(): boolean {
    return this.own.on || isTracking();
  }

  get tracksCallSites(): boolean {
    return this.own.callSites || tracksCallSites();
  }

  follow(): void {
    native().trackAllocator(this.id, this.isTracked);
    if (!this.tracksCallSites) this.#callSites.clear();
  }

  noteCallSite(handle: number): void {
    const place = callSite();
    if (place !== null) this.#callSites.set(handle, place);
  }

  forgetCallSite(handle: number): void {
    this.#callSites.delete(handle);
  }

  forgetCallSites(): void {
    this.#callSites.clear();
  }

  stats(): NativeAllocatorStats {
    return native().allocatorStats(this.id);
  }

  figures(): HolderFigures {
    const stats = this.stats();
    return { ...stats, limit: Math.min(stats.limit, stats.budget) };
  }

  blocks(): HeldBlock[] {
    return toBlocks(native().allocatorBlocks(this.id), this, (handle) => this.#callSites.get(handle));
  }

  spans(): HeldSpan[] {
    return toSpans(native().allocatorSpans(this.id));
  }

  samples(): HolderSample[] | null {
    return this.isTracked ? toSamples(native().allocatorSamples(this.id)) : null;
  }

  histograms(): HolderHistograms | null {
    return this.isTracked ? toHistograms(native().allocatorHistograms(this.id)) : null;
  }

  /** What is live now has leaked, but for what a cache forgets with its model. */
  close(): void {
    open.delete(this);
    removeHolder(this, this.kind !== 'cache');
    native().closeAllocator(this.id);
  }
}
