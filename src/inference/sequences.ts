/** The numbered sequences of one engine, divided among the sessions on it, whose passes take turns. */
import { HyperionError } from '../errors';
import { MOST_SEQUENCES, native, PART_FIELDS, RESULT_ROWS } from '../native';

/** What a pass appends to one of a session's sequences. */
export interface Part {
  readonly sequence: number;
  readonly ids: Int32Array;
  /** the tokens whose results it makes */
  readonly rows: keyof typeof RESULT_ROWS;
}

/** A sequence that is someone's. */
interface Taken {
  readonly seat: Seat;
  /** tokens in the KV cache */
  length: number;
  /** tokens that the budget keeps room for */
  kept: number;
}

export class Sequences {
  readonly #taken = new Map<number, Taken>();
  /** whose pass runs */
  #running: Seat | undefined;
  readonly #waiting: {
    readonly seat: Seat;
    readonly go: () => void;
    readonly refuse: (e: unknown) => void;
  }[] = [];
  /** what has to wait until no pass runs */
  readonly #afterwards: (() => void)[] = [];
  #closed = false;

  constructor(private readonly id: number) {}

  /** Whether tokens are about to be appended, by any session. */
  get active(): boolean {
    return [...this.#taken.values()].some(({ kept }) => kept > 0);
  }

  /** The lengths of all sequences by number, were those of `seat` to be these. */
  lengths(seat: Seat, own: readonly number[]): number[] {
    const others = [...this.#taken.values()].filter((taken) => taken.seat !== seat);
    return [...own, ...others.map(({ length, kept }) => Math.max(length, kept))];
  }

  take(seat: Seat): number {
    for (let number = 0; number < MOST_SEQUENCES; number += 1) {
      if (this.#taken.has(number)) continue;
      this.#taken.set(number, { seat, length: 0, kept: 0 });
      return number;
    }
    throw new HyperionError(
      'INVALID',
      `the sessions that share an engine have ${MOST_SEQUENCES} sequences, all in use`,
    );
  }

  lengthOf(number: number): number {
    return this.#taken.get(number)!.length;
  }

  keep(number: number, tokens: number): void {
    this.#taken.get(number)!.kept = tokens;
  }

  /** Tells the engine what the budget keeps room for. */
  keepRoom(): void {
    const kept = new Array<number>(Math.max(-1, ...this.#taken.keys()) + 1).fill(0);
    for (const [number, taken] of this.#taken) kept[number] = taken.kept;
    native().keepRoom(this.id, kept);
  }

  rewind(number: number, position: number): void {
    this.#taken.get(number)!.length = position;
    this.#whenFree(() => this.#rewind(number, position));
  }

  /** Empties a sequence, which then is nobody's. */
  release(number: number): void {
    Object.assign(this.#taken.get(number)!, { length: 0, kept: 0 });
    this.#whenFree(() => {
      this.#rewind(number, 0);
      this.#taken.delete(number);
    });
  }

  /** Runs a pass when those that were asked for before it have run. */
  async run(seat: Seat, parts: readonly Part[], results: Float32Array, signal: AbortSignal): Promise<void> {
    if (this.#running) await this.#turn(seat, signal);
    this.#running = seat;
    const cancel = () => this.cancel(seat);
    signal.addEventListener('abort', cancel, { once: true });
    try {
      if (signal.aborted || seat.left) throw cancelled();
      await native().forward(this.id, joined(parts), rowsOf(parts), results);
      for (const { sequence, ids } of parts) this.#taken.get(sequence)!.length += ids.length;
    } finally {
      signal.removeEventListener('abort', cancel);
      this.#next();
    }
  }

  /** Ends the pass of a session, if it runs or waits for its turn. */
  cancel(seat: Seat): void {
    if (this.#running === seat) native().cancel(this.id);
    const waits = this.#waiting.findIndex((waiting) => waiting.seat === seat);
    if (waits >= 0) this.#waiting.splice(waits, 1)[0]!.refuse(cancelled());
  }

  /** Takes a session's sequences from it. Resolves when their memory is given back. */
  async leave(seat: Seat): Promise<void> {
    this.cancel(seat);
    seat.clear();
    this.keepRoom();
    await new Promise<void>((resolve) => this.#whenFree(resolve));
  }

  /** The engine is closed, and with it the last session. */
  close(): void {
    this.#closed = true;
  }

  async #turn(seat: Seat, signal: AbortSignal): Promise<void> {
    const cancel = () => this.cancel(seat);
    signal.addEventListener('abort', cancel, { once: true });
    const turn = new Promise<void>((go, refuse) => this.#waiting.push({ seat, go, refuse }));
    await turn.finally(() => signal.removeEventListener('abort', cancel));
  }

  #next(): void {
    this.#running = undefined;
    for (const work of this.#afterwards.splice(0)) work();
    const next = this.#waiting.shift();
    // From here on nobody else can come between.
    this.#running = next?.seat;
    next?.go();
  }

  #rewind(number: number, position: number): void {
    if (!this.#closed) native().rewind(this.id, number, position);
  }

  #whenFree(work: () => void): void {
    if (this.#running) this.#afterwards.push(work);
    else work();
  }
}

/** What of the sequences is one session's: it names its own from 0 on. It may not refer to the session, whose end it serves. */
export class Seat {
  readonly #numbers: number[] = [];
  /** its session is closed */
  left = false;

  constructor(private readonly sequences: Sequences) {}

  /** tokens in the KV cache, of all its sequences */
  get tokens(): number {
    return this.#numbers.reduce((sum, number) => sum + this.sequences.lengthOf(number), 0);
  }

  /** Lengths of everything on the engine with these for its own. */
  lengths(own: readonly number[]): number[] {
    return this.sequences.lengths(this, own).filter((length) => length > 0);
  }

  /** The budget keeps room for sequences of these lengths, in place of those before. */
  keepRoom(lengths: readonly number[]): void {
    for (const number of this.#numbers) this.sequences.keep(number, 0);
    for (const [index, length] of lengths.entries())
      if (length > 0) this.sequences.keep(this.#number(index), length);
    this.sequences.keepRoom();
  }

  rewind(index: number, position: number): void {
    const number = this.#numbers[index];
    if (number !== undefined) this.sequences.rewind(number, position);
  }

  /** Empties all its sequences. */
  clear(): void {
    for (const number of this.#numbers.splice(0)) this.sequences.release(number);
  }

  run(parts: readonly Part[], results: Float32Array, signal: AbortSignal): Promise<void> {
    const numbered = parts.map((part) => ({ ...part, sequence: this.#number(part.sequence) }));
    return this.sequences.run(this, numbered, results, signal);
  }

  cancel(): void {
    this.sequences.cancel(this);
  }

  #number(index: number): number {
    while (this.#numbers.length <= index) this.#numbers.push(this.sequences.take(this));
    return this.#numbers[index]!;
  }
}

function cancelled(): HyperionError {
  return new HyperionError('CANCELLED', 'the pass was cancelled');
}

function joined(parts: readonly Part[]): Int32Array {
  const [first] = parts;
  if (first && parts.length === 1) return first.ids;
  return Int32Array.from(parts.flatMap(({ ids }) => [...ids]));
}

function rowsOf(parts: readonly Part[]): Int32Array {
  const rows = new Int32Array(parts.length * PART_FIELDS);
  parts.forEach(({ sequence, ids, rows: asked }, index) => {
    rows.set([sequence, ids.length, RESULT_ROWS[asked]], index * PART_FIELDS);
  });
  return rows;
}
