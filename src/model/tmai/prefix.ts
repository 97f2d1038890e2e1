/** The first bytes of a .tmai file, which all versions share. */
import { HyperionError } from '../../errors';
import { type OpenedFile, readFully } from '../files';
import { MAGIC, PREFIX_BYTES } from './format';

/**
 * The version, and the eight bytes behind it as a number: of version 1 the count of layers, of 2 the bytes of the header.
 *
 * @throws HyperionError `BAD_FORMAT` when it is no .tmai file, `UNSUPPORTED` when it is a later one
 */
export async function readPrefix(
  path: string,
  { file, size }: OpenedFile,
): Promise<{ version: 1 | 2; field: number }> {
  if (size < PREFIX_BYTES) throw bad(path, `it has ${size} bytes, too few for a .tmai file; is it complete?`);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  await readFully(path, file, 0, prefix);
  if (prefix.readUInt32LE(0) !== MAGIC)
    throw bad(path, 'it does not begin as a .tmai file; is it one, and complete?');
  const version = prefix.readUInt32LE(4);
  if (version === 1) return { version, field: prefix.readUInt32LE(8) };
  if (version === 2) return { version, field: Number(prefix.readBigUInt64LE(8)) };
  throw new HyperionError('UNSUPPORTED', `${path}: it is .tmai ${version}; versions 1 and 2 are read`, {
    path,
  });
}

/** A file that is not as the format says. */
export function bad(path: string, problem: string): HyperionError {
  return new HyperionError('BAD_FORMAT', `${path}: ${problem}`, { path });
}
