/** Requests to a loader of the engine, each with a number of its own, and ended by a signal. */
import { HyperionError } from '../errors';
import type { Handle } from '../memory/handle';
import { resolveSignal } from '../model/signal';
import { native } from '../native';

export class Requests {
  #last = 0;

  constructor(private readonly loader: Handle) {}

  /**
   * Runs `start` under a new number, which it resolves to.
   *
   * @throws HyperionError `CANCELLED` when the signal, or the notebook's interrupt, ends it first; what `start` throws
   */
  async run(
    what: string,
    signal: AbortSignal | undefined,
    start: (loader: number, request: number) => Promise<void>,
  ): Promise<number> {
    const loader = this.loader.get();
    const stop = resolveSignal(signal);
    if (stop.aborted) throw cancelled(what, stop.reason);
    this.#last += 1;
    const request = this.#last;
    const cancel = () => {
      if (!this.loader.closed) native().cancelRequest(loader, request);
    };
    stop.addEventListener('abort', cancel, { once: true });
    try {
      await start(loader, request);
    } catch (error) {
      throw stop.aborted && (error as HyperionError).code === 'CANCELLED' ? cancelled(what, error) : error;
    } finally {
      stop.removeEventListener('abort', cancel);
    }
    return request;
  }
}

function cancelled(what: string, cause: unknown): HyperionError {
  return new HyperionError('CANCELLED', `${what} was cancelled`, {}, { cause });
}
