/** The forward passes of a session: one at a time, each until it is done or its signal ends it. */
import { HyperionError } from '../errors';
import type { Handle } from '../memory/handle';
import { native, PART_FIELDS, RESULT_ROWS } from '../native';
import type { Engine } from './engine';

/** What a pass appends to one of the session's sequences. */
export interface Part {
  readonly sequence: number;
  readonly ids: Int32Array;
  /** the tokens whose results it makes */
  readonly rows: keyof typeof RESULT_ROWS;
}

/** One sequence, as whoever has it uses it. */
export interface Sequence {
  /** appends tokens; `results` takes what comes of the last, or of all */
  append(ids: Int32Array, rows: 'last' | 'all', results: Float32Array, signal: AbortSignal): Promise<void>;
  /** forgets the tokens from `position` on */
  rewind(position: number): void;
  /** nothing more is appended for now: no room needs to be kept for it */
  end(): void;
}

export class Passes {
  #running = false;
  /** which call the KV cache belongs to */
  #turn = 0;

  /** @param owner whose end closes the handle: it stays while anything of this is in use, a generation say */
  constructor(
    private readonly handle: Handle,
    private readonly engine: Engine,
    readonly owner: object,
  ) {}

  /** Takes the session, with what it has computed, away from whoever has it. */
  claim(): Turn {
    if (this.#running) throw busy();
    this.#turn += 1;
    const turn = this.#turn;
    const mine = () => turn === this.#turn && !this.handle.closed;
    this.handle.get();
    this.engine.keepRoom([]);
    return {
      keepRoom: (lengths) => {
        if (mine()) this.engine.keepRoom(lengths);
      },
      run: async (parts, results, signal) => {
        if (turn === this.#turn) return this.#run(parts, results, signal);
        throw new HyperionError('CANCELLED', 'another call has begun a new sequence on this session');
      },
      rewind: (sequence, position) => {
        if (mine() && !this.#running) native().rewind(this.handle.get(), sequence, position);
      },
    };
  }

  /** Begins anew, with all sequences empty. */
  restart(): Turn {
    const id = this.handle.get();
    const turn = this.claim();
    native().reset(id);
    return turn;
  }

  /**
   * A sequence that begins anew with the first tokens appended, and that another call's `restart` ends.
   *
   * @param mostTokens for which the budget keeps room until it has ended
   */
  sequence(mostTokens: number): Sequence {
    let turn: Turn | undefined;
    return {
      append: async (ids, rows, results, signal) => {
        if (!turn) {
          turn = this.restart();
          turn.keepRoom([mostTokens]);
        }
        await turn.run([{ sequence: 0, ids, rows }], results, signal);
      },
      rewind: (position) => turn?.rewind(0, position),
      end: () => turn?.keepRoom([]),
    };
  }

  async #run(parts: readonly Part[], results: Float32Array, signal: AbortSignal): Promise<void> {
    const id = this.handle.get();
    if (this.#running) throw busy();
    if (signal.aborted) throw cancelled(signal);
    const cancel = () => {
      if (!this.handle.closed) native().cancel(id);
    };
    this.#running = true;
    signal.addEventListener('abort', cancel, { once: true });
    try {
      await native().forward(id, joined(parts), rowsOf(parts), results);
    } catch (error) {
      throw signal.aborted ? cancelled(signal, error) : error;
    } finally {
      this.#running = false;
      signal.removeEventListener('abort', cancel);
    }
  }
}

/** The session, until another call takes it. */
export interface Turn {
  /**
   * Appends the parts; `results` takes what comes of the tokens that they name, one part after the other.
   *
   * @throws HyperionError `CANCELLED` when another call has the session
   */
  run(parts: readonly Part[], results: Float32Array, signal: AbortSignal): Promise<void>;
  /** the budget keeps room for sequences of these lengths, by number, in place of those before; none any more when it is another's */
  keepRoom(lengths: readonly number[]): void;
  /** forgets the tokens of a sequence from `position` on, if the session is there and still this one's */
  rewind(sequence: number, position: number): void;
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

function busy(): HyperionError {
  return new HyperionError(
    'INVALID',
    'the session is running another call; await that one, or open a second session',
  );
}

function cancelled(signal: AbortSignal, cause: unknown = signal.reason): HyperionError {
  return new HyperionError(
    'CANCELLED',
    'the work was cancelled; the session can be used again',
    {},
    { cause },
  );
}
