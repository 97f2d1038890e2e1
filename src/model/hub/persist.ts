/** Connections break: what one ended is tried again, after a while that grows, until attempts bring nothing any more. */
import { setTimeout as wait } from 'node:timers/promises';

/** A connection that failed in a way that another may not: refused, cut, silent for too long, or a server too busy. */
export class BrokenConnection extends Error {
  constructor(
    readonly reason: string,
    /** when the server says how long to wait */
    readonly retryAfterMs = 0,
    options?: ErrorOptions,
  ) {
    super(reason, options);
  }
}

export const ATTEMPTS = 5;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 60_000;

/**
 * Runs `attempt` again while it ends with a broken connection.
 *
 * @param progress what attempts have brought so far: one that brought something counts as the first again
 * @throws BrokenConnection after `ATTEMPTS` in a row that brought nothing; an AbortError when the signal is aborted
 */
export async function persist<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  progress: () => number = () => 0,
): Promise<T> {
  let before = progress();
  for (let failures = 0; ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof BrokenConnection)) throw error;
      failures = progress() > before ? 1 : failures + 1;
      before = progress();
      if (failures === ATTEMPTS) throw error;
      const pause = Math.max(FIRST_WAIT_MS * 2 ** (failures - 1), error.retryAfterMs);
      await wait(Math.min(pause, LONGEST_WAIT_MS), undefined, { signal });
    }
  }
}
