/**
 * The header of one GGUF file: magic, version, counts, metadata, tensors; the data follow, each tensor at a multiple of
 * the alignment. Nothing of the data is read here. Format: ggml, docs/gguf.md.
 *
 * It is a reader of its own because @huggingface/gguf 0.4 cannot be held to bounds: it builds every list as it goes (a
 * vocabulary too, and again from its start whenever its 2 MB chunk was too short), reads zeros behind the end of a file
 * instead of telling that it is cut short, and checks neither names given twice, nor UTF-8, nor offsets against the file.
 */

import { HyperionError } from '../../errors';
import { openFile } from '../files';
import { excerpt } from '../json';
import { NotedFile } from '../noted-file';
import type { TensorInfo } from '../tensor-info';
import { GgufMetadata } from './metadata';
import { readTensors } from './tensors';
import { type GgufValue, readValue } from './values';
import { ByteWindow } from './window';

export interface GgufHeader {
  readonly metadata: GgufMetadata;
  /** in the order of their data */
  readonly tensors: readonly TensorInfo[];
}

const MAGIC = 0x46554747; // 'GGUF', read as a little-endian number
const FIXED_BYTES = 24;
/** A hundred times what large models have, and few enough that their names take no memory to speak of. */
const MOST_ENTRIES = 65_536;

/**
 * Reads and checks the header of one GGUF file.
 *
 * @throws HyperionError `IO` when the file cannot be read, `BAD_FORMAT` when header and file do not agree, `UNSUPPORTED`
 *   for big-endian files, versions other than 2 and 3, and element types that are not known
 */
export async function readGgufHeader(path: string): Promise<GgufHeader> {
  const opened = await openFile(path);
  const { file, size } = opened;
  try {
    const window = new ByteWindow(path, file, size);
    const { tensorCount, keyCount } = await readCounts(window, size);
    const metadata = await readMetadata(window, keyCount, new NotedFile(path, opened));
    return { metadata, tensors: await readTensors(window, tensorCount, alignmentOf(metadata)) };
  } finally {
    await file.close();
  }
}

/**
 * The metadata of a header that stands within another file, from `offset` on.
 *
 * @throws HyperionError as `readGgufHeader`
 */
export async function readGgufMetadata(path: string, offset: number): Promise<GgufMetadata> {
  const opened = await openFile(path);
  const { file, size } = opened;
  try {
    const window = new ByteWindow(path, file, size, offset);
    const { keyCount } = await readCounts(window, size);
    return await readMetadata(window, keyCount, new NotedFile(path, opened));
  } finally {
    await file.close();
  }
}

async function readCounts(window: ByteWindow, size: number) {
  if (size < FIXED_BYTES) throw window.bad(`it has ${size} bytes, too few for a GGUF file; is it complete?`);
  await window.need(FIXED_BYTES, 'its first fields');
  if (window.u32() !== MAGIC) throw window.bad("it does not begin with 'GGUF'; is it a GGUF file?");
  checkVersion(window, window.u32());
  const tensorCount = window.count();
  const keyCount = window.count();
  for (const [what, count] of Object.entries({ tensors: tensorCount, keys: keyCount }))
    if (count > MOST_ENTRIES) throw window.bad(`it claims ${count} ${what}; up to ${MOST_ENTRIES} are read`);
  return { tensorCount, keyCount };
}

function checkVersion({ path }: ByteWindow, version: number): void {
  if (version === 2 || version === 3) return;
  const what =
    version !== 0 && (version & 0xffff) === 0
      ? 'its numbers are big-endian'
      : `it is GGUF version ${version}`;
  throw new HyperionError(
    'UNSUPPORTED',
    `${path}: ${what}; little-endian files of versions 2 and 3 are read`,
    {
      path,
    },
  );
}

async function readMetadata(window: ByteWindow, count: number, file: NotedFile): Promise<GgufMetadata> {
  const values = new Map<string, GgufValue>();
  for (let i = 0; i < count; i += 1) {
    const which = `metadata key ${i + 1} of ${count}`;
    await window.need(8, which);
    const key = await window.text(window.count(), which);
    if (values.has(key)) throw window.bad(`it has the key ${excerpt(key)} twice`);
    values.set(key, await readValue(window, `the value of ${excerpt(key)}`));
  }
  return new GgufMetadata(file, values);
}

function alignmentOf(metadata: GgufMetadata): number {
  const alignment = metadata.count('general.alignment', 32);
  if (alignment > 0 && Number.isInteger(Math.log2(alignment))) return alignment;
  throw metadata.bad(`'general.alignment' is ${alignment}; it must be a power of two`);
}
