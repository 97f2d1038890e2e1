/**
 * What goes when the cache is full: rules over keys, which know neither files nor memory. A rule sees every use, also of what is not
 * cached, and is asked which of the cached keys is given up.
 */

export interface EvictionPolicy {
  readonly name: string;
  /** The key is used now. */
  access(key: number): void;
  /** The one to give up. `cached` has at least one key, and each was used before. */
  victim(cached: Iterable<number>): number;
}

/** Gives up what was not used for longest. Keeps nothing useful of a scan that is longer than the cache. */
export class RecencyPolicy implements EvictionPolicy {
  readonly name = 'LRU';
  readonly #last = new Map<number, number>();
  #now = 0;

  access(key: number): void {
    this.#now += 1;
    this.#last.set(key, this.#now);
  }

  victim(cached: Iterable<number>): number {
    return largestOf(cached, (key) => -(this.#last.get(key) ?? 0));
  }
}

/** Half of a use is forgotten after as many uses as there are keys, times this. */
const MEMORY = 4;

/** Gives up what was used least, where a use counts less the longer it is ago (LRFU, Lee et al. 2001). */
export class FrequencyPolicy implements EvictionPolicy {
  readonly name = 'LFU';
  readonly #uses = new Map<number, { weight: number; at: number }>();
  #now = 0;

  access(key: number): void {
    this.#now += 1;
    const weight = 1 + this.#weight(key);
    this.#uses.set(key, { weight, at: this.#now });
  }

  victim(cached: Iterable<number>): number {
    return largestOf(cached, (key) => -this.#weight(key));
  }

  #weight(key: number): number {
    const uses = this.#uses.get(key);
    return uses ? uses.weight * 2 ** ((uses.at - this.#now) / (MEMORY * this.#uses.size)) : 0;
  }
}

/**
 * Gives up what will be used again latest, as Belady's optimum does, where the next use is guessed: as long after the last one as
 * that was after the one before. Exact for a scan that repeats.
 */
export class RecurrencePolicy implements EvictionPolicy {
  readonly name = 'recurrence';
  readonly #uses = new Map<number, { last: number; interval: number | undefined }>();
  #now = 0;

  access(key: number): void {
    this.#now += 1;
    const last = this.#uses.get(key)?.last;
    this.#uses.set(key, { last: this.#now, interval: last === undefined ? undefined : this.#now - last });
  }

  victim(cached: Iterable<number>): number {
    return largestOf(cached, (key) => this.#untilNextUse(key));
  }

  #untilNextUse(key: number): number {
    const { last, interval } = this.#uses.get(key) ?? { last: 0, interval: undefined };
    const since = this.#now - last;
    // Used once: perhaps again after all others. Overdue: it may stay away for as long again.
    if (interval === undefined) return Math.max(since, this.#uses.size);
    return since > interval ? since : interval - since;
  }
}

/** The key of the largest value; of equal ones the last. */
function largestOf(keys: Iterable<number>, measure: (key: number) => number): number {
  let [found, most] = [Number.NaN, Number.NEGATIVE_INFINITY];
  for (const key of keys) {
    const value = measure(key);
    if (value >= most) [found, most] = [key, value];
  }
  return found;
}
