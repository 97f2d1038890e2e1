/**
 * Reads the beginning of a GGUF file from front to back, little endian, through one small buffer. Every length is held
 * against what the file has left before anything is made of it. Knows bytes, not their meaning.
 */
import type { FileHandle } from 'node:fs/promises';
import { readFully } from '../files';
import { ByteReader, LARGEST_TEXT } from './byte-reader';

const WINDOW = 256 * 2 ** 10;
/** Four times the header of the largest vocabularies in use; bounds the time that a header takes. */
const LARGEST_HEADER = 64 * 2 ** 20;

/**
 * Numbers and texts from `offset` on. `need` makes bytes readable; after it the other calls read up to that many without
 * waiting, so that a list of 100,000 texts is not 100,000 promises.
 */
export class ByteWindow extends ByteReader {
  constructor(
    path: string,
    private readonly file: FileHandle,
    private readonly size: number,
    offset = 0,
  ) {
    super(path, Buffer.alloc(WINDOW), offset, offset, 0);
  }

  /** bytes of the file after `position` */
  get left(): number {
    return this.size - this.at;
  }

  /**
   * Makes the next `bytes` bytes readable.
   *
   * @throws HyperionError `BAD_FORMAT` when the file ends before, naming `what` was to be read; `IO`
   */
  async need(bytes: number, what: string): Promise<void> {
    if (this.ready >= bytes) return;
    this.#check(bytes, what);
    this.start = this.at;
    this.filled = Math.min(WINDOW, this.left);
    await readFully(this.path, this.file, this.start, this.buffer.subarray(0, this.filled));
  }

  /**
   * A text of so many bytes.
   *
   * @throws HyperionError `BAD_FORMAT` when the file ends before, when the text is not UTF-8, or there is too much of it
   */
  async text(bytes: number, what: string): Promise<string> {
    if (bytes <= WINDOW) await this.need(bytes, what);
    return this.ready < bytes
      ? this.decode(await this.#readOwn(bytes, what), what)
      : this.readyText(bytes, what);
  }

  /** Steps over bytes that are not read now. */
  skip(bytes: number, what: string): void {
    this.#check(bytes, what);
    this.at += bytes;
  }

  /**
   * Steps over texts, those of them whose lengths can be read without waiting.
   *
   * @returns how many, up to `most`
   * @throws HyperionError `BAD_FORMAT` when the file ends within one
   */
  skipTexts(most: number, what: string): number {
    const { buffer, byteOffset } = this.buffer;
    const view = new DataView(buffer, byteOffset, this.filled);
    let place = this.at - this.start;
    let texts = 0;
    for (; texts < most && place + 8 <= this.filled; texts += 1)
      place += 8 + view.getUint32(place + 4, true) * 2 ** 32 + view.getUint32(place, true);
    this.skip(this.start + place - this.at, what);
    return texts;
  }

  #check(bytes: number, what: string): void {
    if (bytes > this.left)
      throw this.bad(
        `it ends within ${what}, which takes ${bytes} bytes; ${this.left} are left. Is the file complete?`,
      );
    if (this.at + bytes > LARGEST_HEADER)
      throw this.bad(`its header exceeds ${LARGEST_HEADER} bytes, at ${what}. Is it a GGUF file?`);
  }

  /** Bytes that are more than the buffer holds. */
  async #readOwn(bytes: number, what: string): Promise<Buffer> {
    this.#check(bytes, what);
    if (bytes > LARGEST_TEXT)
      throw this.bad(`${what} has ${bytes} bytes; texts are read up to ${LARGEST_TEXT}`);
    const own = Buffer.alloc(bytes);
    await readFully(this.path, this.file, this.at, own);
    this.at += bytes;
    return own;
  }
}
