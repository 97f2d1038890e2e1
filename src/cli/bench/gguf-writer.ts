/**
 * The least of a GGUF writer (version 3): the header of a model that a benchmark makes for itself, because the project only reads
 * this format. Format: ggml, docs/gguf.md.
 */
import { bytesOfShape } from '../../model/dtypes';
import { tensorType } from '../../model/gguf/types';

/** Whole numbers are written as u32, texts and lists of texts as such; what else there is says its type. */
export type GgufMetadata = Readonly<Record<string, GgufValue>>;
export type GgufValue =
  | number
  | string
  | readonly string[]
  | { readonly f32: number }
  | { readonly f32s: readonly number[] }
  | { readonly i32s: readonly number[] };

export interface GgufTensor {
  readonly name: string;
  readonly type: 'F32' | 'F16' | 'Q8_0' | 'Q4_0' | 'Q4_K';
  /** row-major, outermost first; the last is a multiple of the type's block */
  readonly shape: readonly number[];
}

const VERSION = 3;
const ALIGNMENT = 32;
const [U32, I32, F32, TEXT, LIST] = [4, 5, 6, 8, 9];

export function ggufBytesOf({ type, shape }: GgufTensor): number {
  return bytesOfShape(type, shape)!;
}

/** All before the data, padded so that they may begin. Each tensor follows at the next multiple of 32 bytes. */
export function ggufHeader(metadata: GgufMetadata, tensors: readonly GgufTensor[]): Buffer {
  const entries = Object.entries(metadata);
  const parts = [Buffer.from('GGUF'), u32(VERSION), u64(tensors.length), u64(entries.length)];
  for (const [key, value] of entries) parts.push(text(key), ...encodeValue(value));
  let offset = 0;
  for (const tensor of tensors) {
    const { name, type, shape } = tensor;
    parts.push(text(name), u32(shape.length), ...shape.toReversed().map(u64));
    parts.push(u32(tensorType(type)!), u64(offset));
    offset = ggufAligned(offset + ggufBytesOf(tensor));
  }
  const header = Buffer.concat(parts);
  return Buffer.concat([header, Buffer.alloc(ggufAligned(header.length) - header.length)]);
}

/** The next place where a tensor may begin. */
export function ggufAligned(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

function encodeValue(value: GgufValue): Buffer[] {
  if (typeof value === 'number') return [u32(U32), u32(value)];
  if (typeof value === 'string') return [u32(TEXT), text(value)];
  if ('f32' in value) return [u32(F32), Buffer.from(Float32Array.of(value.f32).buffer)];
  if ('f32s' in value) return list(F32, value.f32s.length, Buffer.from(Float32Array.from(value.f32s).buffer));
  if ('i32s' in value) return list(I32, value.i32s.length, Buffer.from(Int32Array.from(value.i32s).buffer));
  return list(TEXT, value.length, Buffer.concat(value.map(text)));
}

function list(type: number, count: number, content: Buffer): Buffer[] {
  return [u32(LIST), u32(type), u64(count), content];
}

function text(value: string): Buffer {
  const content = Buffer.from(value);
  return Buffer.concat([u64(content.length), content]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
