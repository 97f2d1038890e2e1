/** The two versions of .tmai: a table of opaque layers, and a JSON header with everything at places that follow from it. */
import { crc32 } from 'node:zlib';
import { openCheckpoint } from '../../../src/model/checkpoint';
import { type Contents, LAYER_ALIGNMENT, layOut, MAGIC, PREFIX_BYTES } from '../../../src/model/tmai/format';
import { readTmai } from '../../../src/model/tmai/read';
import { readOpaqueModel } from '../../../src/model/tmai/version1';
import { encode, type Field } from '../fields';
import type { Reader } from '../reader';
import { useTokenizer } from './folder';
import { TOKENIZERS } from './tokenizers';

export const tmai: Reader = {
  name: 'tmai',
  seeds: () =>
    Object.entries({ version1: version1(), version2: version2() }).map(([name, fields]) => ({
      name,
      file: 'model.tmai',
      files: { 'model.tmai': encode(fields) },
    })),
  layout: tmaiLayout,
  async read(_, file) {
    if (await readOpaqueModel(file)) return;
    await readTmai(file);
    const { tokenizer } = await openCheckpoint(file, { tokenizer: true });
    if (tokenizer) useTokenizer(tokenizer);
  },
};

const TABLE_AT = 256;

export function tmaiLayout(bytes: Uint8Array): readonly Field[] {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rest = (at: number): Field => ({ kind: 'bytes', prefix: 0, content: whole.subarray(at) });
  const u32 = (at: number): Field => ({ kind: 'number', width: 4, value: BigInt(whole.readUInt32LE(at)) });
  if (whole.length < PREFIX_BYTES) return [rest(0)];
  const start = [u32(0), u32(4)];
  if (whole.readUInt32LE(4) === 1) {
    const numbers = Array.from({ length: Math.min(8, Math.floor((whole.length - TABLE_AT) / 4)) }, (_, i) =>
      u32(TABLE_AT + 4 * i),
    );
    if (numbers.length === 0) return [...start, rest(8)];
    const name: Field = { kind: 'bytes', prefix: 0, content: whole.subarray(PREFIX_BYTES, TABLE_AT) };
    return [...start, u32(8), u32(12), name, ...numbers, rest(TABLE_AT + 4 * numbers.length)];
  }
  const end = PREFIX_BYTES + Number(whole.readBigUInt64LE(8));
  const data = Math.ceil(end / LAYER_ALIGNMENT) * LAYER_ALIGNMENT;
  // What stands between header and data is zeros; where it is not, it is not padding.
  if (data > whole.length || whole.subarray(end, data).some((byte) => byte !== 0)) return [...start, rest(8)];
  const header: Field = { kind: 'json', prefix: 8, content: whole.subarray(PREFIX_BYTES, end) };
  return [...start, header, { kind: 'padding', alignment: LAYER_ALIGNMENT }, rest(data)];
}

const number = (value: number): Field => ({ kind: 'number', width: 4, value: BigInt(value) });
const content = (bytes: Uint8Array): Field => ({ kind: 'bytes', prefix: 0, content: bytes });

function version1(): Field[] {
  const layers = [
    { offset: 320, size: 64, precision: 16 },
    { offset: 384, size: 32, precision: 4 },
  ];
  const table = layers.flatMap(({ offset, size, precision }) => [
    ...[number(offset), number(size), number(precision)],
    content(Buffer.alloc(20)),
  ]);
  const name = Buffer.alloc(TABLE_AT - PREFIX_BYTES);
  name.write('two layers');
  return [
    ...[number(MAGIC), number(1), number(layers.length), number(0), content(name)],
    ...[...table, content(Buffer.alloc(96))],
  ];
}

function version2(): Field[] {
  const tokenizer = Buffer.from(JSON.stringify(TOKENIZERS.wordPiece));
  const contents: Contents = {
    files: [{ name: 'tokenizer.json', bytes: tokenizer.length }],
    layers: [
      { name: 'embedding', tensors: ['table'] },
      { name: 'output', tensors: ['norm', 'table'] },
    ],
    tensors: [
      { name: 'table', dtype: 'Q8_0', shape: [2, 32], recipe: 'int8' },
      { name: 'norm', dtype: 'F32', shape: [8], recipe: 'copied' },
    ],
  };
  const { files, layers, tensors, bytes } = layOut(contents);
  const data = Buffer.alloc(bytes);
  tokenizer.copy(data, files[0]!.offset);
  const checked = <T extends { offset: number; bytes: number }>(section: T) => {
    const checksum = crc32(data.subarray(section.offset, section.offset + section.bytes));
    return { ...section, crc32: checksum.toString(16).padStart(8, '0') };
  };
  const header = {
    ...{ origin: { format: 'safetensors' }, config: { model_type: 'llama' }, endIds: [0] },
    files: files.map(checked),
    layers: layers.map(({ held: _, ...layer }) => checked(layer)),
    tensors,
  };
  return [
    ...[number(MAGIC), number(2)],
    { kind: 'json', prefix: 8, content: Buffer.from(JSON.stringify(header)) },
    ...[{ kind: 'padding', alignment: LAYER_ALIGNMENT } as const, content(data)],
  ];
}
