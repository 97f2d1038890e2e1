/** How operations on files fail, and a write that leaves either the old file or the whole new one. */
import { randomUUID } from 'node:crypto';
import { rename, rm, statfs, writeFile } from 'node:fs/promises';
import { HyperionError } from './errors';

/**
 * Writes a file under a temporary name and gives it its own when it is whole.
 *
 * @throws HyperionError `IO`; what stood at the path before is as it was then
 */
export async function writeWhole(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await writeFile(temporary, data);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw ioError(path, error, 'write');
  }
}

/**
 * A name beside a path under which what will stand there is made. Of this call alone: the process may be making the same file
 * twice at once.
 */
export function temporaryName(path: string): string {
  return `${path}.${randomUUID()}.tmp`;
}

/** Bytes that the disk of a folder has free. @throws HyperionError `IO` when there is no such folder */
export async function freeSpace(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder).catch((error) => {
    throw ioError(folder, error, 'write');
  });
  return bavail * bsize;
}

const REASONS: Readonly<Record<string, string>> = {
  EEXIST: 'it exists already',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links lead in a circle',
  'no regular file': 'it is a pipe, a device or a socket',
  ENOTDIR: 'a part of the path is not a folder',
};

/** A failed file operation as the API's error; `details.errno` keeps the system's name for it. */
export function ioError(path: string, cause: unknown, action: 'read' | 'write' = 'read'): HyperionError {
  const { code = 'unknown', message } = cause as NodeJS.ErrnoException;
  const reason = REASONS[code] ?? message;
  return new HyperionError('IO', `cannot ${action} ${path}: ${reason}`, { path, errno: code }, { cause });
}
