/** What a GGUF header says, and every way in which header and file can disagree. */
import { mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type GgufHeader, readGgufHeader } from '../../../src/model/gguf/header';
import { fixture } from '../../support/fixtures';
import { type FileToWrite, ggufBytes, list, text, u32, u64, value, writeGguf } from '../../support/gguf';
import { errorOf, temporaryFolder } from '../../support/temporary';

const read = (file: FileToWrite | Buffer): Promise<GgufHeader> => readGgufHeader(writeGguf(file));
const floats = (count: number) => new Uint8Array(4 * count);

describe('what is read', () => {
  test('every type of value', async () => {
    const number = (type: number, bytes: number, write: (buffer: Buffer) => void) => {
      const buffer = Buffer.alloc(bytes);
      write(buffer);
      return { type, bytes: buffer };
    };
    const { metadata } = await read({
      metadata: {
        u8: number(0, 1, (b) => b.writeUInt8(200)),
        i8: number(1, 1, (b) => b.writeInt8(-100)),
        u16: number(2, 2, (b) => b.writeUInt16LE(60_000)),
        i16: number(3, 2, (b) => b.writeInt16LE(-30_000)),
        u32: number(4, 4, (b) => b.writeUInt32LE(4e9)),
        i32: number(5, 4, (b) => b.writeInt32LE(-2e9)),
        f32: number(6, 4, (b) => b.writeFloatLE(0.5)),
        flag: true,
        text: 'Ελλάδα',
        u64: number(10, 8, (b) => b.writeBigUInt64LE(2n ** 52n)),
        i64: number(11, 8, (b) => b.writeBigInt64LE(-(2n ** 40n))),
        f64: number(12, 8, (b) => b.writeDoubleLE(0.1)),
      },
    });
    const numbers = ['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'f32', 'u64', 'i64', 'f64'];
    expect(numbers.map((key) => metadata.number(key))).toEqual([
      200,
      -100,
      60_000,
      -30_000,
      4e9,
      -2e9,
      0.5,
      2 ** 52,
      -(2 ** 40),
      0.1,
    ]);
    expect([metadata.flag('flag', false), metadata.text('text')]).toEqual([true, 'Ελλάδα']);
  });

  test('lists stay in the file until they are asked for', async () => {
    const words = Array.from({ length: 50_000 }, (_, i) => `word ${i}`);
    const { metadata } = await read({
      metadata: {
        words,
        scores: [0.5, -2],
        flags: [true, false],
        last: 7,
      },
    });
    expect(metadata.listLength('words')).toBe(50_000);
    expect(metadata.texts('words')).toEqual(words);
    expect(metadata.numbers('scores')).toEqual([0.5, -2]);
    expect(metadata.numbers('flags')).toEqual([1, 0]);
    expect(metadata.texts('none')).toBeUndefined();
    expect(metadata.count('last')).toBe(7);
    expect((await errorOf(() => metadata.texts('scores'))).message).toMatch(
      /'scores' is a list of 2 elements; it/,
    );
    expect((await errorOf(() => metadata.texts('last'))).message).toMatch(/'last' is 7; it must be a list/);
  });

  test.each([2, 3])('version %i', async (version) => {
    const { tensors } = await read({ version, tensors: [{ name: 'a', shape: [2, 3], data: floats(6) }] });
    expect(tensors).toEqual([expect.objectContaining({ name: 'a', dtype: 'F32', shape: [2, 3], bytes: 24 })]);
  });

  test('tensors of a fixture lie where the file has them', async () => {
    const { tensors } = await readGgufHeader(fixture('../gguf/llama-q4_k.gguf'));
    expect(tensors.length).toBe(21);
    expect(tensors[0]).toMatchObject({
      name: 'token_embd.weight',
      dtype: 'Q4_K',
      shape: [512, 256],
      offset: 12_864,
    });
    expect(tensors.at(-1)).toMatchObject({
      name: 'blk.1.ffn_down.weight',
      shape: [256, 512],
      offset: 755_264,
    });
  });

  test.each([8, 64, 4096])('an alignment of %i', async (alignment) => {
    const { tensors } = await read({
      alignment,
      metadata: { 'general.alignment': alignment },
      tensors: [
        { name: 'a', shape: [3], data: floats(3) },
        { name: 'b', shape: [1], data: floats(1) },
      ],
    });
    expect(tensors.map(({ offset }) => offset % alignment)).toEqual([0, 0]);
    expect(tensors[1]!.offset - tensors[0]!.offset).toBe(Math.max(alignment, 16));
  });

  test('empty tensors, scalars, and types that are only data', async () => {
    const { tensors } = await read({
      tensors: [
        { name: 'empty', shape: [0, 4] },
        { name: 'scalar', shape: [], data: floats(1) },
        { name: 'iq', shape: [1, 256], type: 19, data: new Uint8Array(50) },
        { name: 'i64', shape: [2], type: 27, data: new Uint8Array(16) },
      ],
    });
    expect(tensors.map(({ name, dtype, bytes }) => [name, dtype, bytes])).toEqual([
      ['empty', 'F32', 0],
      ['scalar', 'F32', 4],
      ['iq', 'IQ1_S', 50],
      ['i64', 'I64', 16],
    ]);
  });
});

describe('files that are refused', () => {
  const tensor = { name: 'a', shape: [4], data: floats(4) };
  const cases: [string, FileToWrite | Buffer, string, RegExp][] = [
    [
      'another magic',
      Buffer.concat([Buffer.from('GGML'), Buffer.alloc(40)]),
      'BAD_FORMAT',
      /begin with 'GGUF'/,
    ],
    ['no bytes', Buffer.alloc(0), 'BAD_FORMAT', /0 bytes, too few for a GGUF file/],
    ['version 1', { version: 1 }, 'UNSUPPORTED', /GGUF version 1; little-endian files of versions 2 and 3/],
    ['version 4', { version: 4 }, 'UNSUPPORTED', /GGUF version 4/],
    ['version 0', { version: 0 }, 'UNSUPPORTED', /GGUF version 0/],
    ['big endian', { version: 0x03000000 }, 'UNSUPPORTED', /big-endian/],
    ['2^63 tensors', { tensorCount: 2n ** 63n }, 'BAD_FORMAT', /claims 9\d+ tensors; up to 65536/],
    ['2^64 - 1 keys', { keyCount: 2n ** 64n - 1n }, 'BAD_FORMAT', /claims 1\d+ keys; up to/],
    ['more keys than there are', { metadata: { a: 1 }, keyCount: 3 }, 'BAD_FORMAT', /key "" twice/],
    [
      'more tensors than there are',
      { tensorCount: 2 },
      'BAD_FORMAT',
      /ends within (the name of )?tensor 1 of 2/,
    ],
    [
      'a type of value that is none',
      { metadata: { a: { type: 13, bytes: u32(0) } } },
      'BAD_FORMAT',
      /type 13/,
    ],
    [
      'a list of a type that is none',
      { metadata: { a: list(99, 0) } },
      'BAD_FORMAT',
      /value of "a" has the type 99/,
    ],
    [
      'a key twice',
      {
        metadata: [
          ['a', 1],
          ['a', 2],
        ],
      },
      'BAD_FORMAT',
      /the key "a" twice/,
    ],
    ['a key that is not UTF-8', { metadata: [[Buffer.from([0xff]), 1]] }, 'BAD_FORMAT', /not UTF-8/],
    [
      'a key longer than the file',
      { metadata: [['a', { type: 8, bytes: u64(2n ** 62n) }]] },
      'BAD_FORMAT',
      /ends within the value of "a", which takes 4\d+ bytes/,
    ],
    [
      'a list of a billion',
      { metadata: { a: list(8, 1e9) } },
      'BAD_FORMAT',
      /"a" claims 1000000000 elements/,
    ],
    [
      'a list of 2^64 - 1',
      { metadata: { a: list(0, 2n ** 64n - 1n) } },
      'BAD_FORMAT',
      /claims 1\d+ elements/,
    ],
    [
      'a list whose bytes wrap around',
      { metadata: { a: list(12, 2n ** 61n + 1n) } },
      'BAD_FORMAT',
      /claims 2\d+ elements/,
    ],
    [
      'a list whose texts leave the file',
      { metadata: { a: list(8, 2, [text('x'), u64(1e6)]), b: 'y'.repeat(100) } },
      'BAD_FORMAT',
      /ends within the value of "a", which takes 10000/,
    ],
    [
      'lists in lists',
      { metadata: { a: list(9, 1, [u32(4), u64(0)]) } },
      'BAD_FORMAT',
      /"a" is a list of lists/,
    ],
    [
      'an alignment of 0',
      { metadata: { 'general.alignment': 0 } },
      'BAD_FORMAT',
      /alignment' is 0; it must be/,
    ],
    [
      'an alignment of 24',
      { metadata: { 'general.alignment': 24 } },
      'BAD_FORMAT',
      /is 24; it must be a power/,
    ],
    [
      'an alignment of 2^31',
      { metadata: { 'general.alignment': 2 ** 31 } },
      'BAD_FORMAT',
      /alignment' is 2147483648/,
    ],
    [
      'an alignment as text',
      { metadata: { 'general.alignment': '32' } },
      'BAD_FORMAT',
      /is "32"; it must be a whole/,
    ],
    [
      'another alignment than the data have',
      { metadata: { 'general.alignment': 64 }, tensors: [tensor, { ...tensor, name: 'b' }] },
      'BAD_FORMAT',
      /"b" begins at 32 of the data, which is no multiple of the alignment 64/,
    ],
    ['a tensor twice', { tensors: [tensor, tensor] }, 'BAD_FORMAT', /the tensor "a" twice/],
    [
      'a tensor’s name that is not UTF-8',
      { tensors: [{ ...tensor, name: Buffer.from([0xc3, 0x28]) }] },
      'BAD_FORMAT',
      /name of tensor 1 of 1 is not UTF-8/,
    ],
    [
      '5 dimensions',
      { tensors: [{ ...tensor, shape: [1, 1, 1, 1, 4] }] },
      'BAD_FORMAT',
      /"a" has 5 dimensions/,
    ],
    [
      '2^60 elements',
      { tensors: [{ ...tensor, shape: [2 ** 30, 2 ** 30] }] },
      'BAD_FORMAT',
      /size overflows/,
    ],
    [
      'a size that wraps around',
      { tensors: [{ ...tensor, shape: [2n ** 63n, 2] }] },
      'BAD_FORMAT',
      /overflows/,
    ],
    [
      'nothing of 2^60 columns',
      { tensors: [{ ...tensor, shape: [0, 2n ** 60n] }] },
      'BAD_FORMAT',
      /overflows/,
    ],
    [
      'a type that ggml gave up',
      { tensors: [{ ...tensor, type: 4 }] },
      'UNSUPPORTED',
      /"a" has the element type 4/,
    ],
    [
      'a type that is none',
      { tensors: [{ ...tensor, type: 2 ** 31 }] },
      'UNSUPPORTED',
      /element type 2147483648/,
    ],
    [
      'a row that is not whole blocks',
      { tensors: [{ ...tensor, type: 2, shape: [32, 16] }] },
      'BAD_FORMAT',
      /"a" of Q4_0 has the shape \[32,16\]; its rows must be blocks of 32/,
    ],
    [
      'an offset within another tensor',
      overlapping(0),
      'BAD_FORMAT',
      /"a" begins 32 bytes before the one ahead/,
    ],
    [
      'an offset at the end of another',
      overlapping(32),
      'BAD_FORMAT',
      /"b" begins 32 bytes before the one ahead/,
    ],
    [
      'an offset behind the file',
      { tensors: [{ ...tensor, offset: 2 ** 40 }] },
      'BAD_FORMAT',
      /behind the end/,
    ],
    [
      'an offset of 2^64 - 32',
      { tensors: [{ ...tensor, offset: 2n ** 64n - 32n }] },
      'BAD_FORMAT',
      /no multiple/,
    ],
    ['an offset between', { tensors: [{ ...tensor, offset: 4 }] }, 'BAD_FORMAT', /begins at 4 of the data/],
    [
      'data cut short',
      { tensors: [{ ...tensor, shape: [100] }] },
      'BAD_FORMAT',
      /"a" ends 368 bytes .* complete\?/,
    ],
  ];

  function overlapping(offset: number): FileToWrite {
    return {
      tensors: [
        { name: 'a', shape: [16], data: floats(16) },
        { name: 'b', shape: [8], data: floats(8), offset },
      ],
    };
  }

  test.each(cases)('%s', async (_, file, code, message) => {
    const path = writeGguf(file);
    const error = await errorOf(() => readGgufHeader(path));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
    expect(error.message).toContain(path);
  });

  test('a file cut short anywhere is BAD_FORMAT', async () => {
    const path = writeGguf({
      metadata: { name: 'x', list: ['a', 'b'], numbers: [1, 2, 3], last: 0.5 },
      tensors: [{ name: 'a', shape: [8], data: floats(8) }],
    });
    for (let cut = statSync(path).size - 1; cut >= 0; cut -= 1) {
      truncateSync(path, cut);
      expect((await errorOf(() => readGgufHeader(path))).code).toBe('BAD_FORMAT');
    }
  });

  test('a missing file and a folder are IO', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'a.gguf'));
    for (const name of ['none.gguf', 'a.gguf'])
      expect((await errorOf(() => readGgufHeader(join(folder, name)))).code).toBe('IO');
  });
});

test('a vocabulary of 150,000 tokens with 300,000 merges is stepped over in a few milliseconds and bytes', async () => {
  const path = join(temporaryFolder(), 'model.gguf');
  const tokens = Array.from({ length: 150_000 }, (_, i) => `token${i}`);
  const merges = Array.from({ length: 300_000 }, (_, i) => `token${i % 1000} ${i}`);
  const metadata = { 'tokenizer.ggml.tokens': tokens, 'tokenizer.ggml.merges': merges };
  writeFileSync(path, ggufBytes({ metadata, tensors: [{ name: 'a', shape: [4], data: floats(4) }] }));
  expect(statSync(path).size).toBeGreaterThan(7e6);
  await readGgufHeader(path);
  const before = process.memoryUsage();
  const header = await readGgufHeader(path);
  const after = process.memoryUsage();
  expect(header.metadata.listLength('tokenizer.ggml.merges')).toBe(300_000);
  expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(2 ** 23);
});

test('a list of 16 million empty texts ends within the limit of a header', async () => {
  const bytes = Buffer.alloc(2 ** 27 + 2 ** 20);
  ggufBytes({ metadata: { a: list(8, 2 ** 24) } }).copy(bytes);
  const error = await errorOf(() => readGgufHeader(writeGguf(bytes)));
  expect([error.code, error.message]).toEqual(['BAD_FORMAT', expect.stringContaining('header exceeds')]);
});

test('the error shows a long value in part', async () => {
  const { metadata } = await read({ metadata: { a: 'x'.repeat(100_000), b: value(2n ** 60n) } });
  expect((await errorOf(() => metadata.count('a'))).message.length).toBeLessThan(300);
  expect((await errorOf(() => metadata.count('b'))).message).toMatch(
    /'b' is 1152921504606846976; it must be/,
  );
});
