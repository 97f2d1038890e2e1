/**
 * The format .tmai 1, which can be listed: u32 magic, u32 version, u32 count of layers, u32 reserved, a name of 64 bytes at
 * 16, and from byte 256 on for each layer 32 bytes: u32 offset, u32 size, u32 precision in bits, the rest reserved. What a
 * layer's bytes mean the file does not say, so nothing computes with them.
 */
import { formatBytes } from '../../units';
import { openFile, readFully } from '../files';
import { bad, readPrefix } from './prefix';

export interface OpaqueLayer {
  readonly name: string;
  /** bytes from the start of the file */
  readonly offset: number;
  readonly bytes: number;
  /** bits of one parameter */
  readonly precision: number;
}

export interface OpaqueModel {
  readonly path: string;
  readonly name: string;
  readonly layers: readonly OpaqueLayer[];
}

const NAME_AT = 16;
const NAME_BYTES = 64;
const TABLE_AT = 256;
const ENTRY_BYTES = 32;
const MOST_LAYERS = 65_536;
const WIDEST = 64;

/**
 * The layers of a .tmai 1 file; undefined when the file is of version 2.
 *
 * @throws HyperionError `IO`, `BAD_FORMAT` or `UNSUPPORTED`, naming the file and the layer
 */
export async function readOpaqueModel(path: string): Promise<OpaqueModel | undefined> {
  const opened = await openFile(path);
  try {
    const { version, field: count } = await readPrefix(path, opened);
    if (version !== 1) return undefined;
    if (count > MOST_LAYERS) throw bad(path, `it claims ${count} layers; up to ${MOST_LAYERS} are read`);
    const tableEnd = TABLE_AT + count * ENTRY_BYTES;
    if (tableEnd > opened.size)
      throw bad(path, `its table of ${count} layers ends at ${tableEnd}, the file at ${opened.size}`);
    const table = Buffer.alloc(tableEnd);
    await readFully(path, opened.file, 0, table);
    const layers = Array.from({ length: count }, (_, index) => readLayer(path, table, index, opened.size));
    return { path, name: readName(path, table), layers };
  } finally {
    await opened.file.close();
  }
}

function readName(path: string, table: Buffer): string {
  const field = table.subarray(NAME_AT, NAME_AT + NAME_BYTES);
  const end = field.indexOf(0);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(end < 0 ? field : field.subarray(0, end));
  } catch {
    throw bad(path, 'its name is not UTF-8 text');
  }
}

function readLayer(path: string, table: Buffer, index: number, size: number): OpaqueLayer {
  const at = TABLE_AT + index * ENTRY_BYTES;
  const [offset, bytes, precision] = [0, 4, 8].map((field) => table.readUInt32LE(at + field)) as [
    number,
    number,
    number,
  ];
  const fail = (problem: string) => bad(path, `layer ${index} ${problem}`);
  if (precision < 1 || precision > WIDEST)
    throw fail(`has a precision of ${precision} bits; 1 to ${WIDEST} are`);
  if (offset < table.length && bytes > 0) throw fail(`begins at ${offset}, within the table of layers`);
  if (offset + bytes > size)
    throw fail(`ends ${formatBytes(offset + bytes - size)} behind the end of the file; is it complete?`);
  return { name: `layer ${index}`, offset, bytes, precision };
}
