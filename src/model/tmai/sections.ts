/** The parts of a .tmai 2 file that have checksums: the small files, read here, and the layers. */
import { crc32 } from 'node:zlib';
import { type CheckedRange, type Checksums, corrupt } from '../checksums';
import type { Companion } from '../companions';
import { openFile, readFully } from '../files';
import type { Section } from './format';
import type { TmaiFile } from './read';

/** Where they lie, and what their checksums are. */
export function checksumsOf({ path, header, dataStart }: TmaiFile): Checksums {
  const rangeOf = ({ name, offset, bytes, crc32 }: Section): CheckedRange => {
    return { name, file: path, offset: dataStart + offset, bytes, crc32: Number.parseInt(crc32, 16) };
  };
  return { files: header.files.map(rangeOf), layers: header.layers.map(rangeOf) };
}

/**
 * One small file's bytes, or undefined when there is none of the name.
 *
 * @throws HyperionError `IO`, or `CORRUPT` when they do not match their checksum
 */
export async function readTmaiSection(tmai: TmaiFile, name: string): Promise<Buffer | undefined> {
  const range = checksumsOf(tmai).files.find((file) => file.name === name);
  if (!range) return undefined;
  const { file } = await openFile(range.file);
  try {
    const data = Buffer.alloc(range.bytes);
    await readFully(range.file, file, range.offset, data);
    if (crc32(data) !== range.crc32) throw corrupt([range]);
    return data;
  } finally {
    await file.close();
  }
}

/** All of them, in their order. Throws as `readTmaiSection` does. */
export async function readTmaiSections(file: TmaiFile): Promise<Companion[]> {
  const found: Companion[] = [];
  for (const { name } of file.header.files) found.push({ name, data: (await readTmaiSection(file, name))! });
  return found;
}
