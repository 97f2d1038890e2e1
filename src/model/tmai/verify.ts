/** Checking that the bytes of a .tmai 2 file are those that were written. */
import { crc32 } from 'node:zlib';
import { HyperionError } from '../../errors';
import type { ChunkReader } from '../chunk-reader';
import { clip } from '../json';
import type { Section } from './format';
import type { TmaiFile } from './read';

/** The bytes that `verifyTmai` reads. */
export function checkedBytes({ header }: TmaiFile): number {
  return [...header.files, ...header.layers].reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Reads every layer and every small file, and holds it against its checksum.
 *
 * @throws HyperionError `CORRUPT`, naming all that are damaged; `IO`, `CANCELLED`
 */
export async function verifyTmai({ path, header, dataStart }: TmaiFile, reader: ChunkReader): Promise<void> {
  const damaged: string[] = [];
  for (const section of [...header.files, ...header.layers]) {
    let checksum = 0;
    for await (const chunk of reader.chunks(path, dataStart + section.offset, section.bytes))
      checksum = crc32(chunk, checksum);
    if (!matches(section, checksum)) damaged.push(section.name);
  }
  if (damaged.length > 0) throw corrupt(path, damaged);
}

export function matches(section: Section, checksum: number): boolean {
  return Number.parseInt(section.crc32, 16) === checksum;
}

export function corrupt(path: string, sections: readonly string[]): HyperionError {
  const names = clip(sections.map((name) => `'${name}'`).join(', '));
  const message = `${path}: the bytes of ${names} are not those that were written; convert the model again`;
  return new HyperionError('CORRUPT', message, { path, section: sections[0]! });
}
