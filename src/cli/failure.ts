/** How the command line fails: one line on standard error, and an exit code that tells misuse from failure. */
import { CommanderError } from 'commander';
import { HyperionError } from '../errors';

const FAILED = 1;
const MISUSED = 2;

/** Writes what went wrong and gives the exit code. With `--json` the line is a JSON object. */
export function reportFailure(error: unknown, json: boolean): number {
  // commander has written its own message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : MISUSED;
  if (!(error instanceof HyperionError)) throw error;
  const { code, message, details } = error;
  const text = json ? JSON.stringify({ error: { code, message, details } }) : `hyperion: ${code}: ${message}`;
  process.stderr.write(`${text}\n`);
  return FAILED;
}
