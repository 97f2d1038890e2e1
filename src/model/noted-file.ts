/**
 * A file that is seen when a model is opened, and read when its content is first wanted. Reading waits for the disk, because what
 * uses it is synchronous; it gives the bytes of the file that was seen, or an error, and never those of another.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { HyperionError } from '../errors';
import { ioError } from '../io';
import { checkSmall, identityOf, ifPresent, type OpenedFile, openFile } from './files';

export class NotedFile {
  readonly #size: number;
  readonly #identity: string;

  /** @param opened the file, which need not stay open */
  constructor(
    readonly path: string,
    { size, identity }: OpenedFile,
  ) {
    this.#size = size;
    this.#identity = identity;
  }

  /**
   * Sees that a regular file is there and may be read; undefined when there is none of the name.
   *
   * @throws HyperionError `IO`
   */
  static find(path: string): Promise<NotedFile | undefined> {
    const look = async () => {
      const opened = await openFile(path);
      await opened.file.close();
      return new NotedFile(path, opened);
    };
    return ifPresent(look());
  }

  /** All bytes of a small file. @throws HyperionError as `read`, and `BAD_FORMAT` when it is none */
  readSmall(): Buffer {
    checkSmall(this.path, this.#size);
    return this.read(0, this.#size);
  }

  /** @throws HyperionError `IO` when the file is gone, `CORRUPT` when it is no longer what it was when it was seen */
  read(offset: number, bytes: number): Buffer {
    let file: number | undefined;
    try {
      file = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
      if (identityOf(fstatSync(file)) !== this.#identity) throw this.#changed();
      const into = Buffer.alloc(bytes);
      for (let done = 0; done < bytes; ) {
        const read = readSync(file, into, done, bytes - done, offset + done);
        if (read === 0) throw this.#changed();
        done += read;
      }
      return into;
    } catch (error) {
      throw error instanceof HyperionError ? error : ioError(this.path, error);
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  #changed(): HyperionError {
    const message = `${this.path} was changed since the model was opened; open the model again`;
    return new HyperionError('CORRUPT', message, { path: this.path });
  }
}
