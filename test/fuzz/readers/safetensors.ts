/** The header of a safetensors file: a length, JSON, data. */
import { stat } from 'node:fs/promises';
import { readSafetensorsHeader } from '../../../src/model/safetensors';
import { encode, type Field } from '../fields';
import type { Reader } from '../reader';

export const safetensors: Reader = {
  name: 'safetensors',
  seeds: () =>
    Object.entries(HEADERS).map(([name, header]) => ({
      name,
      file: 'model.safetensors',
      files: { 'model.safetensors': safetensorsFile(header) },
    })),
  layout: safetensorsLayout,
  async read(_, file) {
    const tensors = await readSafetensorsHeader(file);
    const { size } = await stat(file);
    for (const { name, offset, bytes, shape } of tensors)
      if (!(offset >= 8 && bytes >= 0 && offset + bytes <= size && shape.every((extent) => extent >= 0)))
        throw new Error(`tensor '${name}' was accepted at ${offset}, ${bytes} bytes, in a file of ${size}`);
    if (new Set(tensors.map(({ name }) => name)).size < tensors.length) throw new Error('a name came twice');
  },
};

/** [length and JSON] [data], or bytes where the length is not one. */
export function safetensorsLayout(bytes: Uint8Array): readonly Field[] {
  const whole: Field[] = [{ kind: 'bytes', prefix: 0, content: bytes }];
  if (bytes.length < 8) return whole;
  const length = Buffer.from(bytes.buffer, bytes.byteOffset, 8).readBigUInt64LE();
  const end = 8 + Number(length);
  if (end > bytes.length) return whole;
  return [
    { kind: 'json', prefix: 8, content: bytes.subarray(8, end) },
    { kind: 'bytes', prefix: 0, content: bytes.subarray(end) },
  ];
}

export const entry = (dtype: string, shape: number[], begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

const HEADERS: Readonly<Record<string, object>> = {
  empty: {},
  metadata: { __metadata__: { format: 'pt', note: '' }, a: entry('F32', [2, 3], 0, 24) },
  several: {
    'model.embed_tokens.weight': entry('BF16', [4, 8], 0, 64),
    'model.norm.weight': entry('F16', [8], 64, 80),
    scalar: entry('F32', [], 80, 84),
    none: entry('F32', [0, 7], 84, 84),
    positions: entry('I64', [2], 84, 100),
    nibbles: entry('F4', [2, 8], 100, 108),
    sixths: entry('F6_E2M3', [4], 108, 111),
  },
};

/** A file with that header, and zeros. */
export function safetensorsFile(header: object): Uint8Array {
  const ends = Object.values(header).map(({ data_offsets }) => data_offsets?.[1] ?? 0);
  return encode([
    { kind: 'json', prefix: 8, content: Buffer.from(JSON.stringify(header)) },
    { kind: 'bytes', prefix: 0, content: Buffer.alloc(Math.max(0, ...ends)) },
  ]);
}
