/** Reading the small files of a model folder: what is missing, unreadable or not JSON is told in a sentence. */
import { readFile } from 'node:fs/promises';
import { HyperionError } from '../errors';
import { ioError } from '../io';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Text of a configuration file larger than this is a mistake, not a configuration. */
const LARGEST_JSON = 256 * 2 ** 20;

/**
 * A JSON file that must hold an object.
 *
 * @throws HyperionError `IO` when it cannot be read, `BAD_FORMAT` when it is not a JSON object
 */
export async function readJson(path: string): Promise<JsonObject> {
  const bytes = await readFile(path).catch((error) => {
    throw ioError(path, error);
  });
  if (bytes.length > LARGEST_JSON)
    throw new HyperionError(
      'BAD_FORMAT',
      `${path} has ${bytes.length} bytes; JSON is read up to ${LARGEST_JSON}`,
    );
  return parseObject(bytes, path);
}

/** The same, or undefined when there is no such file. */
export async function readJsonIfPresent(path: string): Promise<JsonObject | undefined> {
  try {
    return await readJson(path);
  } catch (error) {
    if (error instanceof HyperionError && error.details.errno === 'ENOENT') return undefined;
    throw error;
  }
}

/** @throws HyperionError `BAD_FORMAT` unless the bytes are UTF-8 text of a JSON object */
export function parseObject(bytes: Uint8Array, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new HyperionError(
      'BAD_FORMAT',
      `${what} is not valid JSON: ${(cause as Error).message}`,
      {},
      { cause },
    );
  }
  if (isObject(value)) return value;
  throw new HyperionError('BAD_FORMAT', `${what} must hold a JSON object`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
