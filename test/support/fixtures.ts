/** The reference models, and what an independent implementation computed from them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const MODELS = join(__dirname, '../fixtures/models');

export function fixture(name: string): string {
  return join(MODELS, name);
}

export interface Expected {
  readonly inputIds: number[];
  readonly greedy: number[];
  readonly logits: Float32Array;
}

/** `expected.safetensors` of a causal model. */
export function expected(name: string): Expected {
  const tensors = readSafetensors(join(fixture(name), 'expected.safetensors'));
  return {
    inputIds: integers(tensors.input_ids!.bytes),
    greedy: integers(tensors.greedy!.bytes),
    logits: floats(tensors.logits!.bytes),
  };
}

/** `expected.safetensors` of an encoder. */
export function expectedHidden(name: string): { inputIds: number[]; hidden: Float32Array } {
  const tensors = readSafetensors(join(fixture(name), 'expected.safetensors'));
  return { inputIds: integers(tensors.input_ids!.bytes), hidden: floats(tensors.hidden!.bytes) };
}

export interface StoredTensor {
  readonly dtype: string;
  readonly shape: number[];
  readonly bytes: Uint8Array;
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: number[];
  readonly data_offsets: readonly [number, number];
}

/** A reader of its own, so that the project's is not held against itself. */
export function readSafetensors(path: string): Record<string, StoredTensor> {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE());
  const header = JSON.parse(file.toString('utf8', 8, 8 + length));
  delete header.__metadata__;
  return Object.fromEntries(
    Object.entries<HeaderEntry>(header).map(([name, entry]) => {
      const [begin, end] = entry.data_offsets;
      const bytes = file.subarray(8 + length + begin, 8 + length + end);
      return [name, { dtype: entry.dtype, shape: entry.shape, bytes }];
    }),
  );
}

export function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

export function integers(bytes: Uint8Array): number[] {
  return Array.from(new BigInt64Array(Uint8Array.from(bytes).buffer), Number);
}

export function largestDifference(a: Float32Array, b: Float32Array): number {
  let largest = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < a.length; i += 1) {
    const difference = Math.abs(a[i]! - b[i]!);
    // A NaN compares with nothing and would pass for a small difference.
    largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference);
  }
  return largest;
}

/** Equal to the bit, not only as numbers. */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  const bytes = (array: Float32Array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return bytes(a).equals(bytes(b));
}
