/** A tensor as the cache knows it: where its bytes are, who needs them, and how often they were used. */

/** What is cached, or can be. */
export interface CachedTensor {
  readonly name: string;
  readonly bytes: number;
}

/** `loading` while it is read. */
export type CacheState = 'absent' | 'loading' | 'cached';

export const DEFAULT_PRIORITY = 1;

export class CacheEntry {
  state: CacheState = 'absent';
  /** handle of the block that holds the bytes; 0 while there is none */
  block = 0;
  /** the read that runs */
  loading: Promise<void> | undefined;
  /** uses that need the bytes to stay */
  pins = 0;
  /** views that are open; each pins */
  views = 0;
  accessCount = 0;
  /** milliseconds of performance.now(); null before the first use */
  lastAccess: number | null = null;
  /** of two, the one with the lower priority is given up first */
  priority = DEFAULT_PRIORITY;

  constructor(
    readonly key: number,
    readonly tensor: CachedTensor,
    /** among the smallest of its layer, and given up last */
    readonly isKept: boolean,
  ) {}

  get canGo(): boolean {
    return this.state === 'cached' && this.pins === 0;
  }
}

/** The smallest tensors that have `bytes` together, of each layer. */
export function smallestOf<T extends CachedTensor>(layer: readonly T[], bytes: number): T[] {
  let sum = 0;
  return [...layer]
    .sort((one, two) => one.bytes - two.bytes)
    .filter((tensor) => {
      sum += tensor.bytes;
      return sum <= bytes;
    });
}
