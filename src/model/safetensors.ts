/**
 * The header of a safetensors file: u64 length, then JSON of name -> { dtype, shape, data_offsets }, then the data, one
 * tensor after another without gaps. Nothing of the data is read here. Format: huggingface/safetensors, README "Format".
 */
import { type FileHandle, open } from 'node:fs/promises';
import { HyperionError } from '../errors';
import { ioError } from '../io';
import { formatBytes } from '../units';
import { bytesOfShape, type Dtype, isSafetensorsDtype } from './dtypes';
import { isObject, parseObject } from './files';

/** Where a tensor lies, as the header tells it. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** bytes from the start of the file */
  readonly offset: number;
}

/** The limit that the format itself sets, so that a wrong length cannot ask for all memory. */
const LARGEST_HEADER = 100_000_000;

/**
 * Reads and checks the header of a safetensors file.
 *
 * @returns the tensors in the order of their data
 * @throws HyperionError `IO` when the file cannot be read, `BAD_FORMAT` when header and file do not agree, `UNSUPPORTED`
 *   for an element type that the format does not have
 */
export async function readSafetensorsHeader(path: string): Promise<TensorEntry[]> {
  const file = await open(path, 'r').catch((error) => {
    throw ioError(path, error);
  });
  try {
    const { size } = await file.stat();
    return checkLayout(path, await readHeader(path, file, size), size);
  } catch (error) {
    throw error instanceof HyperionError ? error : ioError(path, error);
  } finally {
    await file.close();
  }
}

interface Header {
  readonly tensors: Readonly<Record<string, unknown>>;
  /** bytes from the start of the file to the first tensor */
  readonly dataStart: number;
}

async function readHeader(path: string, file: FileHandle, size: number): Promise<Header> {
  if (size < 8) throw bad(path, `it has ${size} bytes, too few for a safetensors file; is it complete?`);
  const length = Number((await readExactly(path, file, 0, 8)).readBigUInt64LE());
  if (length > LARGEST_HEADER)
    throw bad(
      path,
      `its header claims ${length} bytes; the format allows ${LARGEST_HEADER}. Is it a safetensors file?`,
    );
  if (8 + length > size)
    throw bad(path, `its header claims ${length} bytes, but the file has only ${size}; is it complete?`);
  const header = parseObject(await readExactly(path, file, 8, length), `the header of ${path}`);
  const { __metadata__: _, ...tensors } = header;
  return { tensors, dataStart: 8 + length };
}

async function readExactly(path: string, file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  if (bytesRead < length) throw bad(path, 'it became shorter while it was read');
  return buffer;
}

function checkLayout(path: string, { tensors, dataStart }: Header, size: number): TensorEntry[] {
  const entries = Object.entries(tensors).map(([name, entry]) => readEntry(path, name, entry, dataStart));
  entries.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  let end = dataStart;
  for (const { name, offset, bytes } of entries) {
    if (offset < end)
      throw bad(path, `tensor '${name}' begins ${end - offset} bytes before the one ahead of it ends`);
    if (offset > end) throw bad(path, `${offset - end} bytes before tensor '${name}' belong to no tensor`);
    end = offset + bytes;
    if (end > size) {
      const missing = `${end - size} bytes (${formatBytes(end - size)})`;
      throw bad(path, `tensor '${name}' ends ${missing} behind the end of the file; is the file complete?`);
    }
  }
  if (end < size) throw bad(path, `${size - end} bytes at its end belong to no tensor`);
  return entries;
}

function readEntry(path: string, name: string, entry: unknown, dataStart: number): TensorEntry {
  const fail = (problem: string) => bad(path, `tensor '${name}' ${problem}`);
  if (!isObject(entry)) throw fail('is not described by an object');
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isSafetensorsDtype(dtype)) throw unknownDtype(path, name, dtype);
  if (!isCounts(shape)) throw fail(`has the shape ${JSON.stringify(shape)}, not a list of whole numbers`);
  if (!isCounts(offsets) || offsets.length !== 2)
    throw fail(`has the data_offsets ${JSON.stringify(offsets)}, not a begin and an end`);
  const [begin, end] = offsets as [number, number];
  if (begin > end) throw fail(`begins at ${begin} and ends before that, at ${end}`);
  const bytes = bytesOfShape(dtype, shape);
  if (bytes === undefined)
    throw fail(`has the shape [${shape}], whose size overflows or is no whole number of bytes`);
  if (bytes !== end - begin)
    throw fail(`of ${dtype} [${shape}] needs ${bytes} bytes; its data_offsets give ${end - begin}`);
  return { name, dtype, shape, bytes: end - begin, offset: dataStart + begin };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function unknownDtype(path: string, name: string, dtype: unknown): HyperionError {
  const message = `${path}: tensor '${name}' has the dtype ${JSON.stringify(dtype)}, which safetensors does not have`;
  return new HyperionError('UNSUPPORTED', message, { path, tensor: name });
}

function bad(path: string, problem: string): HyperionError {
  return new HyperionError('BAD_FORMAT', `${path}: ${problem}`, { path });
}
