/** The list of tensors in a GGUF header: names, shapes and types, held against each other and against the file. */
import { HyperionError } from '../../errors';
import { formatBytes } from '../../units';
import { blockOf, bytesOfShape, type Dtype } from '../dtypes';
import { excerpt } from '../json';
import type { TensorInfo } from '../tensor-info';
import { tensorDtype } from './types';
import type { ByteWindow } from './window';

const MOST_DIMENSIONS = 4;

/**
 * Reads `count` tensors; offsets in the result are from the start of the file.
 *
 * @returns the tensors in the order of their data
 * @throws HyperionError `BAD_FORMAT` or `UNSUPPORTED`, naming the tensor; `IO`
 */
export async function readTensors(
  window: ByteWindow,
  count: number,
  alignment: number,
): Promise<TensorInfo[]> {
  const tensors = new Map<string, TensorInfo>();
  for (let i = 0; i < count; i += 1) {
    const tensor = await readTensor(window, `tensor ${i + 1} of ${count}`, alignment);
    if (tensors.has(tensor.name)) throw window.bad(`it has the tensor ${excerpt(tensor.name)} twice`);
    tensors.set(tensor.name, tensor);
  }
  const dataStart = Math.ceil(window.position / alignment) * alignment;
  const end = window.position + window.left;
  const placed = [...tensors.values()].map((tensor) => ({ ...tensor, offset: dataStart + tensor.offset }));
  placed.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  checkPlaces(window, placed, end);
  return placed;
}

/** One tensor, with its offset as the file gives it: from the start of the data. */
async function readTensor(window: ByteWindow, which: string, alignment: number): Promise<TensorInfo> {
  await window.need(8, which);
  const name = await window.text(window.count(), `the name of ${which}`);
  const fail = (problem: string) => window.bad(`tensor ${excerpt(name)} ${problem}`);
  await window.need(4, which);
  const dimensions = window.u32();
  if (dimensions > MOST_DIMENSIONS)
    throw fail(`has ${dimensions} dimensions; GGUF allows ${MOST_DIMENSIONS}`);
  await window.need(dimensions * 8 + 12, which);
  const shape = Array.from({ length: dimensions }, () => window.count()).reverse();
  const dtype = dtypeOf(window, name, window.u32());
  const offset = window.count();
  const bytes = bytesOfShape(dtype, shape);
  if (bytes === undefined || !shape.every(Number.isSafeInteger)) throw fail(describeShape(dtype, shape));
  if (!Number.isSafeInteger(offset + bytes) || offset % alignment !== 0)
    throw fail(`begins at ${offset} of the data, which is no multiple of the alignment ${alignment}`);
  return { name, dtype, shape, bytes, offset, file: window.path };
}

function dtypeOf({ path }: ByteWindow, name: string, number: number): Dtype {
  const dtype = tensorDtype(number);
  if (dtype) return dtype;
  const message = `${path}: tensor ${excerpt(name)} has the element type ${number}, which is not known`;
  throw new HyperionError('UNSUPPORTED', message, { path, tensor: name });
}

function describeShape(dtype: Dtype, shape: readonly number[]): string {
  const { elements } = blockOf(dtype);
  return (shape.at(-1) ?? 1) % elements === 0
    ? `has the shape [${shape}], whose size overflows`
    : `of ${dtype} has the shape [${shape}]; its rows must be blocks of ${elements} elements`;
}

function checkPlaces(window: ByteWindow, tensors: readonly TensorInfo[], end: number): void {
  let taken = 0;
  for (const { name, offset, bytes } of tensors) {
    const fail = (problem: string) => window.bad(`tensor ${excerpt(name)} ${problem}`);
    if (bytes > 0 && offset < taken)
      throw fail(`begins ${taken - offset} bytes before the one ahead of it ends`);
    if (offset + bytes > end) {
      const missing = `${offset + bytes - end} bytes (${formatBytes(offset + bytes - end)})`;
      throw fail(`ends ${missing} behind the end of the file; is the file complete?`);
    }
    taken = Math.max(taken, offset + bytes);
  }
}
