/** Reading the small files of a model folder: what is missing, unreadable, no file or not JSON is told in a sentence. */
import type { Stats } from 'node:fs';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { HyperionError } from '../errors';
import { ioError } from '../io';
import { type JsonLimits, type JsonObject, parseObject } from './json';

export { isObject, type JsonObject } from './json';

/** An open file, the bytes it had then, and what tells it from every other. */
export interface OpenedFile {
  readonly file: FileHandle;
  readonly size: number;
  readonly identity: string;
}

/** Text of a configuration file larger than this is a mistake, not a configuration. */
const LARGEST_JSON = 64 * 2 ** 20;

/**
 * Opens a regular file for reading; the caller closes it.
 *
 * @throws HyperionError `IO` when it cannot be opened, or is a folder, a pipe or a device
 */
export async function openFile(path: string): Promise<OpenedFile> {
  const fail = (error: unknown) => {
    throw ioError(path, error);
  };
  // Without O_NONBLOCK, opening a pipe waits for someone to write into it.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(fail);
  const status = await file.stat();
  if (status.isFile()) return { file, size: status.size, identity: identityOf(status) };
  await file.close();
  return fail({ code: status.isDirectory() ? 'EISDIR' : 'no regular file' });
}

/** The same for the same file with the same content. */
export function identityOf({ dev, ino, size, mtimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs].join(' ');
}

/**
 * Bytes of an open file from `offset` on, as many as `into` holds.
 *
 * @throws HyperionError `IO`, or `CORRUPT` when the file ends before
 */
export async function readFully(
  path: string,
  file: FileHandle,
  offset: number,
  into: Uint8Array,
): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, into.length - done, offset + done).catch((error) => {
      throw ioError(path, error);
    });
    if (bytesRead === 0)
      throw new HyperionError(
        'CORRUPT',
        `${path} was cut short: ${into.length} bytes were asked at offset ${offset}, ${done} came`,
        { path, offset, expectedBytes: into.length, gotBytes: done },
      );
    done += bytesRead;
  }
}

/**
 * A JSON file that must hold an object.
 *
 * @throws HyperionError `IO` when it cannot be read, `BAD_FORMAT` when it is not a JSON object
 */
export async function readJson(path: string, limits?: JsonLimits): Promise<JsonObject> {
  return parseObject(await readWhole(path, LARGEST_JSON), path, limits);
}

/** The same, or undefined when there is no such file. */
export function readJsonIfPresent(path: string, limits?: JsonLimits): Promise<JsonObject | undefined> {
  return ifPresent(readJson(path, limits));
}

/**
 * All bytes of a small file.
 *
 * @throws HyperionError `IO`, or `BAD_FORMAT` when it has more than `largest` bytes
 */
export async function readWhole(path: string, largest = LARGEST_JSON): Promise<Buffer> {
  const { file, size } = await openFile(path);
  try {
    checkSmall(path, size, largest);
    const bytes = Buffer.alloc(size);
    await readFully(path, file, 0, bytes);
    return bytes;
  } finally {
    await file.close();
  }
}

/** @throws HyperionError `BAD_FORMAT` for a file that has more than `largest` bytes */
export function checkSmall(path: string, size: number, largest = LARGEST_JSON): void {
  if (size <= largest) return;
  const message = `${path} has ${size} bytes; it is read up to ${largest}`;
  throw new HyperionError('BAD_FORMAT', message, { path });
}

/** What reading gives, or undefined when there is no such file. */
export async function ifPresent<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof HyperionError && error.details.errno === 'ENOENT') return undefined;
    throw error;
  }
}
