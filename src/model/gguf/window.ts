/**
 * Reads the beginning of a GGUF file from front to back, little endian, through one small buffer. Every length is held
 * against what the file has left before anything is made of it. Knows bytes, not their meaning.
 */
import { isUtf8 } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { HyperionError } from '../../errors';
import { readFully } from '../files';

const WINDOW = 256 * 2 ** 10;
/** Four times the header of the largest vocabularies in use; bounds the time that a header takes. */
const LARGEST_HEADER = 64 * 2 ** 20;
/** Text that is kept in memory: keys, values and names together. */
const LARGEST_TEXT = 32 * 2 ** 20;

/**
 * Numbers and texts from `offset` on. `need` makes bytes readable; after it the other calls read up to that many without
 * waiting, so that a list of 100,000 texts is not 100,000 promises.
 */
export class ByteWindow {
  readonly #buffer = Buffer.alloc(WINDOW);
  /** place in the file of the buffer's first byte */
  #start = 0;
  #filled = 0;
  #at = 0;
  #text = 0;

  constructor(
    readonly path: string,
    private readonly file: FileHandle,
    private readonly size: number,
    offset = 0,
  ) {
    this.#at = offset;
  }

  /** bytes from the start of the file */
  get position(): number {
    return this.#at;
  }

  /** bytes of the file after `position` */
  get left(): number {
    return this.size - this.#at;
  }

  /** bytes that can be read without waiting */
  get ready(): number {
    return this.#start + this.#filled - this.#at;
  }

  /**
   * Makes the next `bytes` bytes readable.
   *
   * @throws HyperionError `BAD_FORMAT` when the file ends before, naming `what` was to be read; `IO`
   */
  async need(bytes: number, what: string): Promise<void> {
    if (this.ready >= bytes) return;
    this.#check(bytes, what);
    this.#start = this.#at;
    this.#filled = Math.min(WINDOW, this.left);
    await readFully(this.path, this.file, this.#start, this.#buffer.subarray(0, this.#filled));
  }

  u8 = () => this.#buffer.readUInt8(this.#step(1));
  i8 = () => this.#buffer.readInt8(this.#step(1));
  u16 = () => this.#buffer.readUInt16LE(this.#step(2));
  i16 = () => this.#buffer.readInt16LE(this.#step(2));
  u32 = () => this.#buffer.readUInt32LE(this.#step(4));
  i32 = () => this.#buffer.readInt32LE(this.#step(4));
  f32 = () => this.#buffer.readFloatLE(this.#step(4));
  f64 = () => this.#buffer.readDoubleLE(this.#step(8));
  u64 = () => this.#buffer.readBigUInt64LE(this.#step(8));
  i64 = () => this.#buffer.readBigInt64LE(this.#step(8));
  bool = () => this.u8() !== 0;

  /** A u64 that is a length or a number of things: above 2^53 it is no longer exact, but then nothing has so many. */
  count(): number {
    const low = this.u32();
    return this.u32() * 2 ** 32 + low;
  }

  /**
   * A text of so many bytes.
   *
   * @throws HyperionError `BAD_FORMAT` when the file ends before, when the text is not UTF-8, or there is too much of it
   */
  async text(bytes: number, what: string): Promise<string> {
    if (bytes <= WINDOW) await this.need(bytes, what);
    return this.ready < bytes
      ? this.#decode(await this.#readOwn(bytes, what), what)
      : this.readyText(bytes, what);
  }

  /** The same of bytes that are ready. */
  readyText(bytes: number, what: string): string {
    const begin = this.#step(bytes);
    return this.#decode(this.#buffer.subarray(begin, begin + bytes), what);
  }

  /** Steps over bytes that are not read now. */
  skip(bytes: number, what: string): void {
    this.#check(bytes, what);
    this.#at += bytes;
  }

  /**
   * Steps over texts, those of them whose lengths can be read without waiting.
   *
   * @returns how many, up to `most`
   * @throws HyperionError `BAD_FORMAT` when the file ends within one
   */
  skipTexts(most: number, what: string): number {
    const { buffer, byteOffset } = this.#buffer;
    const view = new DataView(buffer, byteOffset, this.#filled);
    let place = this.#at - this.#start;
    let texts = 0;
    for (; texts < most && place + 8 <= this.#filled; texts += 1)
      place += 8 + view.getUint32(place + 4, true) * 2 ** 32 + view.getUint32(place, true);
    this.skip(this.#start + place - this.#at, what);
    return texts;
  }

  bad(problem: string): HyperionError {
    return new HyperionError('BAD_FORMAT', `${this.path}: ${problem}`, { path: this.path });
  }

  #check(bytes: number, what: string): void {
    if (bytes > this.left)
      throw this.bad(
        `it ends within ${what}, which takes ${bytes} bytes; ${this.left} are left. Is the file complete?`,
      );
    if (this.#at + bytes > LARGEST_HEADER)
      throw this.bad(`its header exceeds ${LARGEST_HEADER} bytes, at ${what}. Is it a GGUF file?`);
  }

  #decode(bytes: Buffer, what: string): string {
    this.#text += bytes.length;
    if (this.#text > LARGEST_TEXT)
      throw this.bad(`its names and texts exceed ${LARGEST_TEXT} bytes, at ${what}`);
    const text = bytes.toString();
    if (text.includes('\uFFFD') && !isUtf8(bytes)) throw this.bad(`${what} is not UTF-8 text`);
    return text;
  }

  /** Bytes that are more than the buffer holds. */
  async #readOwn(bytes: number, what: string): Promise<Buffer> {
    this.#check(bytes, what);
    if (bytes > LARGEST_TEXT)
      throw this.bad(`${what} has ${bytes} bytes; texts are read up to ${LARGEST_TEXT}`);
    const own = Buffer.alloc(bytes);
    await readFully(this.path, this.file, this.#at, own);
    this.#at += bytes;
    return own;
  }

  /** The place in the buffer of bytes that are taken. */
  #step(bytes: number): number {
    const place = this.#at - this.#start;
    this.#at += bytes;
    return place;
  }
}
