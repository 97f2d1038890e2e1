/** What kind of sequence the accesses are, and with it which come next. */

/** `sequential`: each key after the one before it; `repeated`: keys follow each other as they did the last time. */
export type PatternKind = 'sequential' | 'repeated' | 'random';

/** What is left of a count after one more. */
const KEPT = 15 / 16;
/** The share of accesses that must agree, among at least so many. */
const MOST = 0.7;
const LEAST_COUNT = 3;

/**
 * Learns from the order of accesses.
 *
 * @example
 * ```ts
 * const pattern = new AccessPattern();
 * for (let pass = 0; pass < 4; pass += 1) for (const key of [0, 5, 2, 9]) pattern.access(key);
 * pattern.kind; // 'repeated'
 * pattern.next(2); // [0, 5]
 * ```
 */
export class AccessPattern {
  readonly #successor = new Map<number, number>();
  #last: number | undefined;
  readonly #inOrder = new Share();
  readonly #asBefore = new Share();

  access(key: number): void {
    const last = this.#last;
    this.#last = key;
    if (last === undefined || last === key) return;
    this.#inOrder.note(key === last + 1);
    if (this.#successor.has(last)) this.#asBefore.note(this.#successor.get(last) === key);
    this.#successor.set(last, key);
  }

  get kind(): PatternKind {
    if (this.#asBefore.isMost) return 'repeated';
    return this.#inOrder.isMost ? 'sequential' : 'random';
  }

  /** The next keys, soonest first; none when accesses are random. */
  next(count: number): number[] {
    const keys: number[] = [];
    let key = this.#last;
    const { kind } = this;
    while (key !== undefined && keys.length < count && kind !== 'random') {
      key = kind === 'repeated' ? this.#successor.get(key) : key + 1;
      if (key === undefined || key === this.#last || keys.includes(key)) break;
      keys.push(key);
    }
    return keys;
  }
}

/** How many of the accesses lately were as expected. */
class Share {
  #agreed = 0;
  #count = 0;

  note(agrees: boolean): void {
    this.#agreed = this.#agreed * KEPT + (agrees ? 1 : 0);
    this.#count = this.#count * KEPT + 1;
  }

  get isMost(): boolean {
    return this.#count >= LEAST_COUNT && this.#agreed >= MOST * this.#count;
  }
}
