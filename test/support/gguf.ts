/** Writes GGUF files for tests, true or not. The writer is its own: nothing of the project's reader is in it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readGgufHeader } from '../../src/model/gguf/header';
import { ggufTokenizer } from '../../src/model/gguf/tokenizer';
import type { Tokenizer } from '../../src/model/tokenizer';
import { fixture } from './fixtures';
import { temporaryFolder } from './temporary';

/** A value with its type's number and its bytes. */
export interface Value {
  readonly type: number;
  readonly bytes: Buffer;
}

export interface TensorToWrite {
  readonly name: string | Buffer;
  /** outermost first, as the project shows it */
  readonly shape: readonly (number | bigint)[];
  readonly data?: Uint8Array;
  /** the number of the element type; 0 is F32 */
  readonly type?: number;
  /** from the start of the data; by default after the tensor before it */
  readonly offset?: number | bigint;
}

export interface FileToWrite {
  readonly version?: number;
  readonly metadata?: Readonly<Record<string, unknown>> | readonly (readonly [string | Buffer, unknown])[];
  readonly tensors?: readonly TensorToWrite[];
  readonly alignment?: number;
  /** the bytes of further entries of the metadata, which `keyCount` counts too */
  readonly written?: Buffer;
  /** what the header claims, where that is not so */
  readonly tensorCount?: number | bigint;
  readonly keyCount?: number | bigint;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

export function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([u64(bytes.length), bytes]);
}

export function f32(value: number): Value {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return { type: 6, bytes };
}

export function list(type: number, length: number | bigint, elements: readonly Buffer[] = []): Value {
  const all = Buffer.concat(elements);
  return { type: 9, bytes: Buffer.concat([u32(type), u64(length), all]) };
}

/** Texts, flags, whole numbers (u32, i32 when negative), other numbers (f32), and lists of one of them. */
export function value(of: unknown): Value {
  if (typeof of === 'string') return { type: 8, bytes: text(of) };
  if (typeof of === 'boolean') return { type: 7, bytes: Buffer.from([Number(of)]) };
  if (typeof of === 'bigint') return { type: 10, bytes: u64(of) };
  if (typeof of === 'number') return Number.isInteger(of) ? wholeNumber(of) : f32(of);
  if (!Array.isArray(of)) return of as Value;
  const isFractional = of.some((item) => typeof item === 'number' && !Number.isInteger(item));
  const elements = of.map((item) => (isFractional ? f32(item) : value(item)));
  return list(
    elements[0]?.type ?? 4,
    of.length,
    elements.map(({ bytes }) => bytes),
  );
}

function wholeNumber(of: number): Value {
  const bytes = Buffer.alloc(4);
  if (of < 0) bytes.writeInt32LE(of);
  else bytes.writeUInt32LE(of);
  return { type: of < 0 ? 5 : 4, bytes };
}

export function ggufBytes(file: FileToWrite): Buffer {
  const { metadata = {}, tensors = [], alignment = 32 } = file;
  const entries = Array.isArray(metadata) ? metadata : Object.entries(metadata);
  const data: Buffer[] = [];
  let end = 0;
  const infos = tensors.map(({ name, shape, data: bytes = new Uint8Array(0), type = 0, offset }) => {
    const info = Buffer.concat([
      text(name),
      u32(shape.length),
      ...[...shape].reverse().map(u64),
      u32(type),
      u64(offset ?? end),
    ]);
    const padding = padTo(bytes.length, alignment);
    data.push(Buffer.from(bytes), Buffer.alloc(padding));
    end += bytes.length + padding;
    return info;
  });
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    u32(file.version ?? 3),
    u64(file.tensorCount ?? tensors.length),
    u64(file.keyCount ?? entries.length),
    ...entries.flatMap(([key, of]) => [text(key), u32(value(of).type), value(of).bytes]),
    file.written ?? Buffer.alloc(0),
    ...infos,
  ]);
  return Buffer.concat([header, Buffer.alloc(padTo(header.length, alignment)), ...data]);
}

/** Writes a file into a folder of its own, and gives its path. */
export function writeGguf(
  file: FileToWrite | Buffer,
  name = 'model.gguf',
  folder = temporaryFolder(),
): string {
  const path = join(folder, name);
  writeFileSync(path, Buffer.isBuffer(file) ? file : ggufBytes(file));
  return path;
}

/** A model in one file as several, in the way of gguf-split: the first part has all the metadata, each some of the tensors. */
export async function splitGguf(path: string, count: number): Promise<string[]> {
  const file = readFileSync(path);
  const { tensors } = await readGgufHeader(path);
  const infos = tensors.map(({ name }) => file.indexOf(text(name)));
  const toWrite = tensors.map(({ name, shape, offset, bytes }, index): TensorToWrite => {
    const type = file.readUInt32LE(infos[index]! + text(name).length + 4 + 8 * shape.length);
    return { name, shape, type, data: file.subarray(offset, offset + bytes) };
  });
  const folder = temporaryFolder();
  const number = (value: number) => String(value).padStart(5, '0');
  return Array.from({ length: count }, (_, part) => {
    const split = { 'split.no': part, 'split.count': count, 'split.tensors.count': tensors.length };
    const own = toWrite.filter((_, index) => Math.floor((index * count) / tensors.length) === part);
    const whole = {
      written: file.subarray(24, Math.min(...infos)),
      keyCount: Number(file.readBigUInt64LE(16)) + 3,
    };
    const name = `model-${number(part + 1)}-of-${number(count)}.gguf`;
    return writeGguf({ metadata: split, tensors: own, ...(part === 0 && whole) }, name, folder);
  });
}

/** The tokenizer of a file with this metadata; keys stand without `tokenizer.`. */
export async function tokenizerOf(metadata: Readonly<Record<string, unknown>>): Promise<Tokenizer> {
  const full = Object.entries(metadata).map(([key, of]) => [`tokenizer.${key}`, of] as const);
  return ggufTokenizer((await readGgufHeader(writeGguf({ metadata: full }))).metadata)!;
}

/** A vocabulary of sentencepiece, and what that package makes of texts with it. */
export interface SentencePieceFixture {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly texts: readonly string[];
  readonly ids: readonly number[][];
  readonly decoded: readonly string[];
}

export function sentencePieceFixture(name: 'with a space before' | 'as it is'): SentencePieceFixture {
  const { texts, vocabularies } = tokenizerFixture('sentence-piece');
  const { tokens, scores, types, ids, decoded, addSpacePrefix } = vocabularies[name];
  const metadata = {
    'ggml.model': 'llama',
    'ggml.tokens': tokens,
    'ggml.scores': scores,
    'ggml.token_type': types,
    'ggml.add_space_prefix': addSpacePrefix,
  };
  return { metadata, texts, ids, decoded };
}

export function tokenizerFixture(name: string) {
  return JSON.parse(readFileSync(fixture(`../tokenizers/${name}.json`), 'utf8'));
}

function padTo(bytes: number, alignment: number): number {
  return (alignment - (bytes % alignment)) % alignment;
}
