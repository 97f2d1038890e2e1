/** The forward passes of a session: one at a time, each until it is done or its signal ends it. */
import { HyperionError } from '../errors';
import type { Handle } from '../memory/handle';
import { native } from '../native';
import type { Sequence } from './generation';

export class Passes {
  #running = false;
  /** which call the KV cache belongs to */
  #turn = 0;

  constructor(private readonly handle: Handle) {}

  /** Begins a new sequence and takes it away from whoever has it. */
  restart(): number {
    const id = this.handle.get();
    if (this.#running) throw busy();
    native().reset(id);
    this.#turn += 1;
    return this.#turn;
  }

  /** A sequence of its own, which another call's `restart` ends. */
  sequence(): Sequence {
    let turn = 0;
    return {
      begin: (ids, logits, signal) => {
        turn = this.restart();
        return this.run(ids, logits, signal);
      },
      next: (id, logits, signal) => {
        if (turn === this.#turn) return this.run(Int32Array.of(id), logits, signal);
        throw new HyperionError('CANCELLED', 'another call has begun a new sequence on this session');
      },
    };
  }

  /** Appends `ids` to the sequence; `results` takes what comes of none of them, of the last, or of all. */
  async run(ids: Int32Array, results: Float32Array, signal: AbortSignal): Promise<void> {
    const id = this.handle.get();
    if (this.#running) throw busy();
    if (signal.aborted) throw cancelled(signal);
    const cancel = () => {
      if (!this.handle.closed) native().cancel(id);
    };
    this.#running = true;
    signal.addEventListener('abort', cancel, { once: true });
    try {
      await native().forward(id, ids, results);
    } catch (error) {
      throw signal.aborted ? cancelled(signal, error) : error;
    } finally {
      this.#running = false;
      signal.removeEventListener('abort', cancel);
    }
  }
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
