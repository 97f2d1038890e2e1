/**
 * The header of a safetensors file: u64 length, then JSON of name -> { dtype, shape, data_offsets }, then the data, one
 * tensor after another without gaps. Nothing of the data is read here. Format: huggingface/safetensors, README "Format".
 */
import { HyperionError } from '../errors';
import { formatBytes } from '../units';
import { bytesOfShape, isSafetensorsDtype } from './dtypes';
import { type OpenedFile, openFile, readFully } from './files';
import { clip, excerpt, isObject, parseObject } from './json';
import type { TensorInfo } from './tensor-info';

/** Where a tensor lies, as the header tells it. */
export type TensorEntry = Omit<TensorInfo, 'file'>;

/** Room for 100,000 tensors. The format allows 100 MB, which a wrong length would make a process allocate. */
const LARGEST_HEADER = 16 * 2 ** 20;
/** Ten for each tensor of such a header: name, dtype, two extents, two offsets, and the objects and lists. */
const MOST_VALUES = 2 ** 20;

/**
 * Reads and checks the header of a safetensors file.
 *
 * @returns the tensors in the order of their data
 * @throws HyperionError `IO` when the file cannot be read, `BAD_FORMAT` when header and file do not agree, `UNSUPPORTED`
 *   for an element type that the format does not have
 */
export async function readSafetensorsHeader(path: string): Promise<TensorEntry[]> {
  const opened = await openFile(path);
  try {
    return checkLayout(path, await readHeader(path, opened), opened.size);
  } finally {
    await opened.file.close();
  }
}

interface Header {
  readonly tensors: Readonly<Record<string, unknown>>;
  /** bytes from the start of the file to the first tensor */
  readonly dataStart: number;
}

async function readHeader(path: string, { file, size }: OpenedFile): Promise<Header> {
  if (size < 8) throw bad(path, `it has ${size} bytes, too few for a safetensors file; is it complete?`);
  const prefix = Buffer.alloc(8);
  await readFully(path, file, 0, prefix);
  const length = Number(prefix.readBigUInt64LE());
  if (length > LARGEST_HEADER) {
    const limit = `headers are read up to ${formatBytes(LARGEST_HEADER)}`;
    throw bad(path, `its header claims ${length} bytes; ${limit}. Is it a safetensors file?`);
  }
  if (8 + length > size)
    throw bad(path, `its header claims ${length} bytes, but the file has only ${size}; is it complete?`);
  const text = Buffer.alloc(length);
  await readFully(path, file, 8, text);
  const limits = { values: MOST_VALUES, distinctNames: true };
  const { __metadata__: _, ...tensors } = parseObject(text, `the header of ${path}`, limits);
  return { tensors, dataStart: 8 + length };
}

function checkLayout(path: string, { tensors, dataStart }: Header, size: number): TensorEntry[] {
  const entries = Object.entries(tensors).map(([name, entry]) => readEntry(path, name, entry, dataStart));
  entries.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  let end = dataStart;
  for (const { name, offset, bytes } of entries) {
    if (offset < end)
      throw bad(path, `tensor '${clip(name)}' begins ${end - offset} bytes before the one ahead of it ends`);
    if (offset > end)
      throw bad(path, `${offset - end} bytes before tensor '${clip(name)}' belong to no tensor`);
    end = offset + bytes;
    if (end > size) {
      const missing = `${end - size} bytes (${formatBytes(end - size)})`;
      throw bad(
        path,
        `tensor '${clip(name)}' ends ${missing} behind the end of the file; is the file complete?`,
      );
    }
  }
  if (end < size) throw bad(path, `${size - end} bytes at its end belong to no tensor`);
  return entries;
}

function readEntry(path: string, name: string, entry: unknown, dataStart: number): TensorEntry {
  const fail = (problem: string) => bad(path, `tensor '${clip(name)}' ${problem}`);
  if (!isObject(entry)) throw fail('is not described by an object');
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isSafetensorsDtype(dtype)) throw unknownDtype(path, name, dtype);
  if (!isCounts(shape)) throw fail(`has the shape ${excerpt(shape)}, not a list of whole numbers below 2^53`);
  if (!isCounts(offsets) || offsets.length !== 2)
    throw fail(`has the data_offsets ${excerpt(offsets)}, not a begin and an end`);
  const [begin, end] = offsets as [number, number];
  if (begin > end) throw fail(`begins at ${begin} and ends before that, at ${end}`);
  const bytes = bytesOfShape(dtype, shape);
  if (bytes === undefined)
    throw fail(`has the shape ${excerpt(shape)}, whose size overflows or is no whole number of bytes`);
  if (bytes !== end - begin)
    throw fail(`of ${dtype} ${excerpt(shape)} needs ${bytes} bytes; its data_offsets give ${end - begin}`);
  return { name, dtype, shape, bytes, offset: dataStart + begin };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function unknownDtype(path: string, name: string, dtype: unknown): HyperionError {
  const message = `${path}: tensor '${clip(name)}' has the dtype ${excerpt(dtype)}, which safetensors does not have`;
  return new HyperionError('UNSUPPORTED', message, { path, tensor: name });
}

function bad(path: string, problem: string): HyperionError {
  return new HyperionError('BAD_FORMAT', `${path}: ${problem}`, { path });
}
