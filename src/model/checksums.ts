/** Checksums that a model's files say they have, and checking that their bytes are those that were written. */
import { crc32 } from 'node:zlib';
import { HyperionError } from '../errors';
import type { ChunkReader } from './chunk-reader';
import { clip } from './json';

/** A run of a file's bytes, and their checksum when they were written. */
export interface CheckedRange {
  /** of a small file or a layer */
  readonly name: string;
  readonly file: string;
  /** bytes from the start of the file */
  readonly offset: number;
  readonly bytes: number;
  /** CRC-32 as zlib computes it */
  readonly crc32: number;
}

export interface Checksums {
  /** small files such as the tokenizer, which are checked whenever they are read */
  readonly files: readonly CheckedRange[];
  /** as layers lie in the file: with what is between their tensors, and without tensors that an earlier layer holds */
  readonly layers: readonly CheckedRange[];
}

/** The bytes that `verifyChecksums` reads. */
export function checkedBytes({ files, layers }: Checksums): number {
  return [...files, ...layers].reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Reads every layer and every small file, and holds it against its checksum.
 *
 * @throws HyperionError `CORRUPT`, naming all of a file that are damaged; `IO`, `CANCELLED`
 */
export async function verifyChecksums({ files, layers }: Checksums, reader: ChunkReader): Promise<void> {
  const damaged: CheckedRange[] = [];
  for (const range of [...files, ...layers]) {
    let checksum = 0;
    for await (const chunk of reader.chunks(range.file, range.offset, range.bytes))
      checksum = crc32(chunk, checksum);
    if (checksum !== range.crc32) damaged.push(range);
  }
  if (damaged.length > 0) throw corrupt(damaged);
}

/** The error for ranges of one file whose bytes are not those that were written. */
export function corrupt(damaged: readonly CheckedRange[]): HyperionError {
  const { file: path, name: section } = damaged[0]!;
  const names = clip(damaged.map(({ name }) => `'${name}'`).join(', '));
  const message = `${path}: the bytes of ${names} are not those that were written; convert the model again`;
  return new HyperionError('CORRUPT', message, { path, section });
}
