/** What is fuzzed: a function that opens a file, valid models to begin with, and the structure that mutations know. */
import { HyperionError } from '../../src/errors';
import type { Field } from './fields';

/** A valid model folder, of which one file is mutated. */
export interface Seed {
  readonly name: string;
  /** the file that is mutated; '' of a file that stands alone is no name */
  readonly file: string;
  /** by name: contents, or the path of a file to copy */
  readonly files: Readonly<Record<string, Uint8Array | string>>;
}

export interface Reader {
  readonly name: string;
  seeds(): readonly Seed[];
  /** Splits any bytes, valid or not, into fields that together are those bytes. */
  layout(bytes: Uint8Array): readonly Field[];
  /** Opens what lies there, and asks of it what its callers rely on. */
  read(folder: string, file: string): Promise<void>;
}

/** What a file can be refused for. The rest are promises of other calls. */
const CODES: readonly string[] = ['BAD_FORMAT', 'UNSUPPORTED', 'CORRUPT'];
const LONGEST_MESSAGE = 2000;

/** Why an error is not one that bad input may cause, or undefined. */
export function complaint(error: unknown): string | undefined {
  if (!(error instanceof HyperionError))
    return `not a HyperionError: ${error instanceof Error ? error.stack : error}`;
  const { code, message, details } = error;
  // A file may name others that are not there: the system's answer is then what is told.
  const fromSystem = code === 'IO' && /^E[A-Z]+$/.test(String(details.errno));
  if (!fromSystem && !CODES.includes(code)) return `the code ${code}: ${message.slice(0, LONGEST_MESSAGE)}`;
  if (message.length > LONGEST_MESSAGE)
    return `a message of ${message.length} characters: ${code} ${message.slice(0, 200)}`;
  return undefined;
}
