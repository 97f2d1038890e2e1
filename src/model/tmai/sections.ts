/** The parts of a .tmai 2 file that have checksums: the small files, read here, and the layers. */
import { crc32 } from 'node:zlib';
import { type CheckedRange, type Checksums, corrupt } from '../checksums';
import type { Companion } from '../companions';
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
 * One small file's bytes, read at once.
 *
 * @throws HyperionError `IO`, or `CORRUPT` when they do not match their checksum
 */
export function readTmaiSection({ file }: TmaiFile, range: CheckedRange): Buffer {
  const data = file.read(range.offset, range.bytes);
  if (crc32(data) !== range.crc32) throw corrupt([range]);
  return data;
}

/** All of them, in their order. Throws as `readTmaiSection` does. */
export function readTmaiSections(file: TmaiFile): Companion[] {
  return checksumsOf(file).files.map((range) => ({ name: range.name, data: readTmaiSection(file, range) }));
}
