/** Reading large files from end to end in chunks: one is read ahead while another is used, and no more is held. */
import { HyperionError } from '../errors';
import { type OpenedFile, openFile, readFully } from './files';

/** How long work over many bytes tells of itself, and is stopped. */
export interface WorkOptions {
  /** called with the bytes done so far and the bytes in all */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

const CHUNK = 4 * 2 ** 20;

/** Files that are read in chunks; each is opened once. */
export class ChunkReader {
  readonly #files = new Map<string, OpenedFile>();
  readonly #buffers = [Buffer.allocUnsafe(CHUNK), Buffer.allocUnsafe(CHUNK)] as const;
  #done = 0;

  /**
   * @param what names the work in the error when it is cancelled
   * @param total bytes that will be read
   */
  constructor(
    private readonly what: string,
    private readonly total: number,
    private readonly options: WorkOptions,
  ) {}

  /**
   * The bytes from `offset` on, in order; a chunk is valid until the next is asked for.
   *
   * @throws HyperionError `IO`, `CORRUPT` when the file ends before, `CANCELLED`
   */
  async *chunks(path: string, offset: number, bytes: number): AsyncGenerator<Uint8Array, void> {
    const end = offset + bytes;
    const read = async (begin: number, which: number) => {
      const chunk = this.#buffers[which % 2]!.subarray(0, Math.min(CHUNK, end - begin));
      await readFully(path, (await this.#opened(path)).file, begin, chunk);
      return chunk;
    };
    let ahead = bytes > 0 ? read(offset, 0) : undefined;
    try {
      for (let begin = offset, index = 1; ahead; begin += CHUNK, index += 1) {
        if (this.options.signal?.aborted) throw new HyperionError('CANCELLED', `${this.what} was cancelled`);
        const chunk: Uint8Array = await ahead;
        ahead = begin + CHUNK < end ? read(begin + CHUNK, index) : undefined;
        // It is awaited in the next round, or below; until then a failure is not unhandled.
        ahead?.catch(() => {});
        yield chunk;
        this.#done += chunk.length;
        this.options.onProgress?.(this.#done, this.total);
      }
    } finally {
      await ahead?.catch(() => {});
    }
  }

  async close(): Promise<void> {
    for (const { file } of this.#files.values()) await file.close();
  }

  async #opened(path: string): Promise<OpenedFile> {
    const known = this.#files.get(path) ?? (await openFile(path));
    this.#files.set(path, known);
    return known;
  }
}
