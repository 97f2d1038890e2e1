/**
 * Numbers and texts from bytes that are in memory, front to back, little endian. A place is counted from the start of the file that
 * the bytes are from. Knows bytes, not their meaning.
 */
import { isUtf8 } from 'node:buffer';
import { HyperionError } from '../../errors';

/** Text that is kept in memory: keys, values and names together. */
export const LARGEST_TEXT = 32 * 2 ** 20;

export class ByteReader {
  #text = 0;

  /**
   * @param at place in the file of what is read next
   * @param start place in the file of the buffer's first byte
   * @param filled bytes of the buffer that are the file's
   */
  constructor(
    readonly path: string,
    protected readonly buffer: Buffer,
    protected at: number,
    protected start = at,
    protected filled = buffer.length,
  ) {}

  /** bytes from the start of the file */
  get position(): number {
    return this.at;
  }

  /** bytes that can be read now */
  get ready(): number {
    return this.start + this.filled - this.at;
  }

  u8 = () => this.buffer.readUInt8(this.#step(1));
  i8 = () => this.buffer.readInt8(this.#step(1));
  u16 = () => this.buffer.readUInt16LE(this.#step(2));
  i16 = () => this.buffer.readInt16LE(this.#step(2));
  u32 = () => this.buffer.readUInt32LE(this.#step(4));
  i32 = () => this.buffer.readInt32LE(this.#step(4));
  f32 = () => this.buffer.readFloatLE(this.#step(4));
  f64 = () => this.buffer.readDoubleLE(this.#step(8));
  u64 = () => this.buffer.readBigUInt64LE(this.#step(8));
  i64 = () => this.buffer.readBigInt64LE(this.#step(8));
  bool = () => this.u8() !== 0;

  /** A u64 that is a length or a number of things: above 2^53 it is no longer exact, but then nothing has so many. */
  count(): number {
    const low = this.u32();
    return this.u32() * 2 ** 32 + low;
  }

  /**
   * A text of so many bytes, which are ready.
   *
   * @throws HyperionError `BAD_FORMAT` when it is not UTF-8, or there is too much of it
   */
  readyText(bytes: number, what: string): string {
    const begin = this.#step(bytes);
    return this.decode(this.buffer.subarray(begin, begin + bytes), what);
  }

  bad(problem: string): HyperionError {
    return new HyperionError('BAD_FORMAT', `${this.path}: ${problem}`, { path: this.path });
  }

  protected decode(bytes: Buffer, what: string): string {
    this.#text += bytes.length;
    if (this.#text > LARGEST_TEXT)
      throw this.bad(`its names and texts exceed ${LARGEST_TEXT} bytes, at ${what}`);
    const text = bytes.toString();
    if (text.includes('\uFFFD') && !isUtf8(bytes)) throw this.bad(`${what} is not UTF-8 text`);
    return text;
  }

  /** The place in the buffer of bytes that are taken. */
  #step(bytes: number): number {
    if (bytes > this.ready) throw this.bad(`at ${this.at} it asks for more bytes than there are`);
    const place = this.at - this.start;
    this.at += bytes;
    return place;
  }
}
