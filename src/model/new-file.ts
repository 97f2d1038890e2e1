/** A file in the making: under a temporary name until it is whole and on the disk, so that a crash leaves what stood there. */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HyperionError } from '../errors';
import { freeSpace, ioError, temporaryName } from '../io';
import { formatBytes } from '../units';

/** Methods throw HyperionError `IO`; then `discard` is the caller's part. */
export class NewFile {
  private constructor(
    readonly path: string,
    private readonly temporary: string,
    private readonly file: FileHandle,
  ) {}

  static async create(path: string): Promise<NewFile> {
    const temporary = temporaryName(path);
    const file = await open(temporary, 'w').catch((error) => {
      throw ioError(path, error, 'write');
    });
    return new NewFile(path, temporary, file);
  }

  /** Makes it as long as this; what is not written reads as zeros. */
  setSize(bytes: number): Promise<void> {
    return this.#attempt(() => this.file.truncate(bytes));
  }

  /** Writes bytes at any place. Calls may overlap in time. */
  write(bytes: Uint8Array, position: number): Promise<void> {
    return this.#attempt(async () => {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.file.write(bytes, done, bytes.length - done, position + done);
        done += bytesWritten;
      }
    });
  }

  /** Gives the file its name, once its bytes are on the disk. What stood under that name is replaced. */
  finish(): Promise<void> {
    return this.#attempt(async () => {
      await this.file.sync();
      await this.file.close();
      await rename(this.temporary, this.path);
      await syncFolder(dirname(this.path));
    });
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    await this.file.close().catch(() => {});
    await rm(this.temporary, { force: true });
  }

  #attempt(action: () => Promise<void>): Promise<void> {
    return action().catch((error) => {
      throw ioError(this.path, error, 'write');
    });
  }
}

/**
 * Makes a file: `write` fills it, and it takes its name when that has ended. When it throws, what stood there before does
 * so still, and nothing else is left.
 */
export async function makeFile(path: string, write: (file: NewFile) => Promise<void>): Promise<void> {
  const file = await NewFile.create(path);
  try {
    await write(file);
    await file.finish();
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** Puts the names in a folder on the disk: until then a rename may be forgotten. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

/**
 * Checks that the disk has room, before hours are spent on writing.
 *
 * @throws HyperionError `IO` with `details.errno` ENOSPC when it has not, or when there is no folder for the path
 */
export async function checkDiskSpace(path: string, bytes: number): Promise<void> {
  const free = await freeSpace(dirname(path));
  if (bytes <= free) return;
  const message = `cannot write ${path}: it needs ${formatBytes(bytes)}, the disk has ${formatBytes(free)} free`;
  throw new HyperionError('IO', message, { path, errno: 'ENOSPC', bytes, free });
}
