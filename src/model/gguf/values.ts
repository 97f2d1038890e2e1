/**
 * The values of a GGUF file's metadata, as they are stored. Lists stay on disk, known by their place: a vocabulary of
 * 150,000 tokens is read when a tokenizer is wanted, and not to open a model.
 */
import type { NotedFile } from '../noted-file';
import { ByteReader } from './byte-reader';
import { type ValueType, valueType } from './types';
import type { ByteWindow } from './window';

/** A list in the file. Text too long to be a name or a template is kept so too, as a list of bytes. */
export interface GgufList {
  readonly element: Exclude<ValueType['name'], 'array'>;
  readonly length: number;
  /** bytes from the start of the file to its first element */
  readonly offset: number;
  /** of all its elements in the file */
  readonly bytes: number;
}

/** Whole numbers beyond 2^53 are bigint. */
export type GgufScalar = number | bigint | boolean | string;
export type GgufValue = GgufScalar | GgufList;

const LONGEST_TEXT = 2 ** 20;
const LONGEST_READ = 2 ** 20;

/**
 * Reads a type and the value of that type.
 *
 * @throws HyperionError `BAD_FORMAT` naming `what`; `IO`
 */
export async function readValue(window: ByteWindow, what: string): Promise<GgufValue> {
  const type = await readType(window, what);
  if (type.name === 'array') return stepOverList(window, what);
  if (type.name !== 'text') {
    await window.need(type.bytes!, what);
    return numberOf(window[type.name]());
  }
  await window.need(8, what);
  const length = window.count();
  if (length <= LONGEST_TEXT) return window.text(length, what);
  const list: GgufList = { element: 'u8', length, offset: window.position, bytes: length };
  window.skip(length, what);
  return list;
}

/**
 * The elements of a list, which are texts, numbers or flags. Waits for the disk.
 *
 * @throws HyperionError `BAD_FORMAT` for more than 2^20 elements, or texts that are not UTF-8; `IO`
 */
export function readList(file: NotedFile, list: GgufList, what: string): GgufScalar[] {
  const { element, length, offset, bytes } = list;
  const reader = new ByteReader(file.path, file.read(offset, length > LONGEST_READ ? 0 : bytes), offset);
  if (length > LONGEST_READ)
    throw reader.bad(`${what} has ${length} elements; up to ${LONGEST_READ} are read`);
  const next =
    element === 'text' ? () => reader.readyText(reader.count(), what) : () => numberOf(reader[element]());
  return Array.from({ length }, next);
}

async function readType(window: ByteWindow, what: string): Promise<ValueType> {
  await window.need(4, what);
  const number = window.u32();
  const type = valueType(number);
  if (type) return type;
  throw window.bad(`${what} has the type ${number}; the types of GGUF are 0 to 12`);
}

/** The place of a list whose type comes next; steps over its elements. Lists of lists are refused, as llama.cpp does. */
async function stepOverList(window: ByteWindow, what: string): Promise<GgufList> {
  const { name: element, bytes } = await readType(window, what);
  if (element === 'array') throw window.bad(`${what} is a list of lists; lists of plain values are read`);
  await window.need(8, what);
  const length = window.count();
  const offset = window.position;
  // The smallest text is its length alone.
  if (length > window.left / (bytes ?? 8))
    throw window.bad(`${what} claims ${length} elements; the file has ${window.left} bytes for them`);
  if (bytes !== undefined) window.skip(length * bytes, what);
  else
    for (let done = 0; done < length; done += window.skipTexts(length - done, what))
      if (window.ready < 8) await window.need(8, what);
  return { element, length, offset, bytes: window.position - offset };
}

function numberOf(value: GgufScalar): GgufScalar {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
