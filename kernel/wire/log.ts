/** The kernel's own log: the standard error of the process, past the streams that cells write to. */
import { writeSync } from 'node:fs';

export function log(what: string, error?: unknown): void {
  const why =
    error === undefined ? '' : `: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  try {
    writeSync(2, `[hyperion kernel] ${what}${why}\n`);
  } catch {
    // Nobody reads standard error (the parent is gone, or the pipe is full): there is no other place to say it.
  }
}
