/** Reading the header of a .tmai 2 file: every field is checked, and every place held against the rules of the format. */
import { formatBytes } from '../../units';
import { bytesOfShape, isDtype } from '../dtypes';
import { type OpenedFile, openFile, readFully } from '../files';
import { clip, excerpt, isObject, type JsonObject, parseObject } from '../json';
import { NotedFile } from '../noted-file';
import {
  COPIED,
  dataStart,
  layOut,
  type Origin,
  PREFIX_BYTES,
  type Section,
  type TmaiHeader,
  type TmaiLayer,
  type TmaiTensor,
} from './format';
import { bad, readPrefix } from './prefix';

export interface TmaiFile {
  readonly path: string;
  readonly file: NotedFile;
  readonly header: TmaiHeader;
  /** bytes from the start of the file to where the header's offsets count from */
  readonly dataStart: number;
}

const LARGEST_HEADER = 32 * 2 ** 20;
const MOST_VALUES = 2 ** 21;
/** A small file is given back under its name, so that it may name nothing but a file of one folder. */
const FILE_NAME = /^\w[\w.-]*$/;
const RECIPE = /^[ -~]{1,80}$/;
const LARGEST_FILE = 64 * 2 ** 20;

/**
 * Reads and checks the header of a .tmai 2 file; undefined when the file is of version 1.
 *
 * @throws HyperionError `IO`, `BAD_FORMAT` or `UNSUPPORTED`, naming the file, and the layer or tensor
 */
export async function readTmai(path: string): Promise<TmaiFile | undefined> {
  const opened = await openFile(path);
  try {
    const { version, field: length } = await readPrefix(path, opened);
    if (version !== 2) return undefined;
    const header = checkHeader(path, await readHeader(path, opened, length));
    const start = dataStart(length);
    checkLayout(path, header, opened.size - start);
    return { path, file: new NotedFile(path, opened), header, dataStart: start };
  } finally {
    await opened.file.close();
  }
}

async function readHeader(path: string, { file, size }: OpenedFile, length: number): Promise<JsonObject> {
  if (length > LARGEST_HEADER)
    throw bad(path, `its header claims ${length} bytes; it is read up to ${formatBytes(LARGEST_HEADER)}`);
  if (PREFIX_BYTES + length > size)
    throw bad(path, `its header claims ${length} bytes, but the file has only ${size}; is it complete?`);
  const text = Buffer.alloc(length);
  await readFully(path, file, PREFIX_BYTES, text);
  return parseObject(text, `the header of ${path}`, { values: MOST_VALUES, distinctNames: true });
}

function checkHeader(path: string, header: JsonObject): TmaiHeader {
  const { origin, config, endIds, files, layers, tensors } = header;
  const fail = (field: string, value: unknown) => bad(path, `its header has the ${field} ${excerpt(value)}`);
  if (!isOrigin(origin)) throw fail('origin', origin);
  if (!isObject(config)) throw fail('config', config);
  if (!isListOf(endIds, isCount)) throw fail('endIds', endIds);
  if (!Array.isArray(files)) throw fail('files', files);
  if (!Array.isArray(layers)) throw fail('layers', layers);
  if (!Array.isArray(tensors)) throw fail('tensors', tensors);
  for (const file of files) if (!isSmallFile(file)) throw fail('file', file);
  for (const layer of layers) if (!isLayer(layer)) throw fail('layer', layer);
  for (const tensor of tensors) if (!isTensor(tensor)) throw fail('tensor', tensor);
  const made = tensors.map((tensor) => ({ recipe: COPIED, ...tensor }));
  return { origin, config, endIds, files, layers, tensors: made };
}

function isOrigin(value: unknown): value is Origin {
  if (!isObject(value)) return false;
  const { format, architecture, bytes, offsets } = value;
  if (format === 'safetensors') return true;
  if (format !== 'gguf' || typeof architecture !== 'string') return false;
  if (bytes === undefined) return offsets === undefined;
  return isCount(bytes) && isObject(offsets) && Object.values(offsets).every(isCount);
}

function isSection(value: unknown): value is Section {
  if (!isObject(value)) return false;
  const { name, offset, bytes, crc32 } = value;
  const isChecksum = typeof crc32 === 'string' && /^[0-9a-f]{8}$/.test(crc32);
  return typeof name === 'string' && isCount(offset) && isCount(bytes) && isChecksum;
}

function isSmallFile(value: unknown): value is Section {
  return isSection(value) && FILE_NAME.test(value.name) && value.bytes <= LARGEST_FILE;
}

function isLayer(value: unknown): value is TmaiLayer {
  return isSection(value) && isListOf((value as TmaiLayer).tensors, (name) => typeof name === 'string');
}

function isTensor(value: unknown): value is TmaiTensor {
  if (!isObject(value)) return false;
  const { name, dtype, shape, offset, recipe = COPIED } = value;
  const isSized = isDtype(dtype) && isListOf(shape, isCount) && bytesOfShape(dtype, shape) !== undefined;
  const isMade = typeof recipe === 'string' && RECIPE.test(recipe);
  return typeof name === 'string' && isSized && isCount(offset) && isMade;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[];
function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean;
function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

/** The rules leave no choice of places, so they are worked out again and compared. */
function checkLayout(path: string, header: TmaiHeader, size: number): void {
  const { files, layers, tensors } = header;
  for (const [kind, items] of Object.entries({ file: files, layer: layers, tensor: tensors })) {
    const twice = repeated(items.map(({ name }) => name));
    if (twice !== undefined) throw bad(path, `it has the ${kind} '${clip(twice)}' twice`);
  }
  const known = new Set(tensors.map(({ name }) => name));
  for (const layer of layers)
    for (const name of layer.tensors)
      if (!known.has(name))
        throw bad(path, `layer '${clip(layer.name)}' names the tensor '${clip(name)}', which there is not`);

  const layout = layOut(header);
  const places = new Map(layout.tensors.map(({ name, offset }) => [name, offset]));
  for (const { name, offset } of tensors) {
    const place = places.get(name);
    if (place === undefined) throw bad(path, `tensor '${clip(name)}' is in no layer`);
    if (place !== offset) throw bad(path, `tensor '${clip(name)}' is at ${offset}; its place is ${place}`);
  }
  const sections = [...files, ...layers];
  for (const [index, { name, offset, bytes }] of [...layout.files, ...layout.layers].entries()) {
    const given = sections[index]!;
    if (given.offset !== offset || given.bytes !== bytes)
      throw bad(
        path,
        `'${clip(name)}' has ${given.bytes} bytes at ${given.offset}; it must have ${bytes} at ${offset}`,
      );
  }
  if (layout.bytes !== size)
    throw bad(path, `it has ${size} bytes of data, its header speaks of ${layout.bytes}; is it complete?`);
}

function repeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}
