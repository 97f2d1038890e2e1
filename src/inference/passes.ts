/** The forward passes of a session: one at a time, each until it is done or its signal ends it. */
import { HyperionError } from '../errors';
import type { Handle } from '../memory/handle';
import type { Engine } from './engine';
import type { Part, Seat } from './sequences';

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
    private readonly seat: Seat,
    readonly owner: object,
  ) {}

  /** tokens in the KV cache */
  get position(): number {
    return this.seat.tokens;
  }

  /** Whether sequences of these lengths fit, in place of those that the session has. @throws HyperionError `OVER_BUDGET` */
  reserve(lengths: readonly number[]): void {
    this.engine.reserve(this.seat, lengths);
  }

  /** Waits until the budget has room for sequences of these lengths, in place of those that the session has; undefined if it has. */
  prepare(lengths: readonly number[], lasting = false): Promise<void> | undefined {
    return this.engine.prepare(this.seat, lengths, lasting);
  }

  /** Takes the session, with what it has computed, away from whoever has it. */
  claim(): Turn {
    if (this.#running) throw busy();
    this.#turn += 1;
    const turn = this.#turn;
    const mine = () => turn === this.#turn && !this.handle.closed;
    this.handle.get();
    this.seat.keepRoom([]);
    return {
      keepRoom: (lengths) => {
        if (mine()) this.engine.keepRoom(this.seat, lengths);
      },
      run: async (parts, results, signal) => {
        if (turn === this.#turn) return this.#run(parts, results, signal);
        throw new HyperionError('CANCELLED', 'another call has begun a new sequence on this session');
      },
      rewind: (sequence, position) => {
        if (mine() && !this.#running) this.seat.rewind(sequence, position);
      },
    };
  }

  /** Begins anew, with all sequences empty. */
  restart(): Turn {
    const turn = this.claim();
    this.seat.clear();
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
          const room = this.prepare([mostTokens], true);
          if (room) await room;
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
    this.handle.get();
    if (this.#running) throw busy();
    if (signal.aborted) throw cancelled(signal);
    this.#running = true;
    try {
      await this.seat.run(parts, results, signal);
    } catch (error) {
      if (this.handle.closed)
        throw new HyperionError('CLOSED', 'the session was closed during the pass', {}, { cause: error });
      throw signal.aborted ? cancelled(signal, error) : error;
    } finally {
      this.engine.begun(this.seat);
      this.#running = false;
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
