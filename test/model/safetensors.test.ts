/** Every way in which a safetensors file and its header can disagree. */
import { appendFileSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readSafetensorsHeader } from '../../src/model/safetensors';
import { writeSafetensors } from '../../src/model/safetensors-writer';
import { fixture, readSafetensors } from '../support/fixtures';
import { errorOf, temporaryFolder, writeHeader } from '../support/temporary';

const f32 = (shape: unknown, begin: unknown, end: unknown) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

/** name -> header, data bytes, what the message must name */
const BAD: [string, unknown, number, RegExp][] = [
  ['not JSON', '{"a":', 0, /header of .* is not valid JSON/],
  ['not UTF-8 text', '"\ud800', 0, /not valid JSON/],
  ['a list', '[]', 0, /must hold a JSON object/],
  ['an entry that is text', { a: 'F32' }, 0, /tensor 'a' is not described by an object/],
  ['a shape that is no list', { a: f32(4, 0, 16) }, 16, /'a' has the shape 4/],
  ['a negative extent', { a: f32([-1], 0, 4) }, 4, /'a' has the shape \[-1\]/],
  ['a fractional extent', { a: f32([1.5], 0, 6) }, 6, /'a' has the shape \[1.5\]/],
  ['a shape whose product overflows', { a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4, /size overflows/],
  ['a shape whose product wraps 64 bits to 4', { a: f32([2 ** 32, 2 ** 32, 1], 0, 4) }, 4, /size overflows/],
  [
    'an extent that is no exact number',
    '{"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,4]}}',
    4,
    /shape/,
  ],
  ['offsets of the wrong size for the shape', { a: f32([2], 0, 4) }, 4, /'a' of F32 \[2\] needs 8 bytes/],
  ['offsets that end before they begin', { a: f32([0], 4, 0) }, 4, /'a' begins at 4/],
  ['one offset', { a: { dtype: 'F32', shape: [1], data_offsets: [4] } }, 4, /'a' has the data_offsets/],
  ['negative offsets', { a: f32([1], -4, 0) }, 4, /'a' has the data_offsets/],
  [
    'offsets beyond 2^53',
    '{"a":{"dtype":"F32","shape":[1],"data_offsets":[9007199254740992,9007199254740996]}}',
    4,
    /data_offsets/,
  ],
  ['offsets that leave the file', { a: f32([4], 0, 16) }, 12, /'a' ends 4 bytes .* behind the end/],
  ['offsets that overlap', { a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12, /'b' begins 4 bytes before/],
  ['a tensor within another', { a: f32([4], 0, 16), b: f32([1], 4, 8) }, 16, /'b' begins 12 bytes before/],
  ['a hole', { a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12, /4 bytes before tensor 'b' belong to no tensor/],
  ['bytes behind the last tensor', { a: f32([1], 0, 4) }, 12, /8 bytes at its end belong to no tensor/],
  [
    'a name given twice',
    '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
    8,
    /gives the name "a" twice/,
  ],
];

test.each(BAD)('%s is BAD_FORMAT', async (_, header, dataBytes, message) => {
  const path = join(temporaryFolder(), 'model.safetensors');
  writeHeader(path, header, dataBytes);
  const error = await errorOf(() => readSafetensorsHeader(path));
  expect(error.code).toBe('BAD_FORMAT');
  expect(error.message).toMatch(message);
  expect(error.message).toContain(path);
});

test.each(['Q7', 'f32', '', null, 7])('the dtype %j is UNSUPPORTED', async (dtype) => {
  const path = join(temporaryFolder(), 'model.safetensors');
  writeHeader(path, { a: { dtype, shape: [1], data_offsets: [0, 4] } }, 4);
  const error = await errorOf(() => readSafetensorsHeader(path));
  expect([error.code, error.message]).toEqual(['UNSUPPORTED', expect.stringContaining(`'a' has the dtype`)]);
});

describe('the length of the header', () => {
  test.each([
    ['longer than the file', 1000, /claims 1000 bytes, but the file has only/],
    ['of 100 MB', 100_000_000, /headers are read up to 16.0 MiB/],
    ['of 2^64 - 1', 2n ** 64n - 1n, /headers are read up to/],
    ['0', 0, /not valid JSON/],
  ])('%s', async (_, length, message) => {
    const path = join(temporaryFolder(), 'model.safetensors');
    writeHeader(path, {}, 0, length);
    const error = await errorOf(() => readSafetensorsHeader(path));
    expect(error.code).toBe('BAD_FORMAT');
    expect(error.message).toMatch(message);
  });

  test.each([0, 1, 7])('a file of %i bytes', async (bytes) => {
    const path = join(temporaryFolder(), 'model.safetensors');
    writeFileSync(path, Buffer.alloc(bytes));
    expect((await errorOf(() => readSafetensorsHeader(path))).message).toMatch(
      /too few for a safetensors file/,
    );
  });
});

test('a file cut short anywhere in its data is BAD_FORMAT', async () => {
  const path = join(temporaryFolder(), 'model.safetensors');
  await writeSafetensors(path, [{ name: 'a', dtype: 'F32', shape: [8], data: new Uint8Array(32) }]);
  const { size } = statSync(path);
  for (let cut = size - 1; cut >= 0; cut -= 1) {
    truncateSync(path, cut);
    expect((await errorOf(() => readSafetensorsHeader(path))).code).toBe('BAD_FORMAT');
  }
});

test('a missing file and a folder are IO', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'a.safetensors'));
  expect((await errorOf(() => readSafetensorsHeader(join(folder, 'none')))).code).toBe('IO');
  expect((await errorOf(() => readSafetensorsHeader(join(folder, 'a.safetensors')))).code).toBe('IO');
});

test('sub-byte types, empty tensors, scalars, padding and metadata are understood', async () => {
  const path = join(temporaryFolder(), 'model.safetensors');
  const header = {
    __metadata__: { format: 'pt' },
    nibbles: { dtype: 'F4', shape: [3, 2], data_offsets: [0, 3] },
    six: { dtype: 'F6_E2M3', shape: [4], data_offsets: [3, 6] },
    empty: { dtype: 'F64', shape: [0, 5], data_offsets: [6, 6] },
    scalar: { dtype: 'U8', shape: [], data_offsets: [6, 7] },
  };
  writeHeader(path, `${JSON.stringify(header)}    `, 7);
  const entries = await readSafetensorsHeader(path);
  expect(entries.map(({ name, bytes }) => [name, bytes])).toEqual([
    ['nibbles', 3],
    ['six', 3],
    ['empty', 0],
    ['scalar', 1],
  ]);
});

test('reads where another reader reads', async () => {
  const path = join(fixture('llama'), 'model.safetensors');
  const tensors = readSafetensors(path);
  const entries = await readSafetensorsHeader(path);
  expect(Object.fromEntries(entries.map(({ name, shape }) => [name, shape]))).toEqual(
    Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape])),
  );
  for (const { name, offset, bytes } of entries) {
    expect([offset - tensors[name]!.bytes.byteOffset, bytes]).toEqual([
      entries[0]!.offset - tensors[entries[0]!.name]!.bytes.byteOffset,
      tensors[name]!.bytes.length,
    ]);
  }
});

test('what is written is read back; a failed write leaves nothing', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'a.safetensors');
  const data = Uint8Array.from({ length: 12 }, (_, i) => i);
  await writeSafetensors(path, [
    { name: 'a', dtype: 'U8', shape: [4], data: data.subarray(0, 4) },
    { name: 'b', dtype: 'F32', shape: [2, 1], data: data.subarray(4) },
  ]);
  expect((await readSafetensorsHeader(path)).map(({ name, shape }) => [name, shape])).toEqual([
    ['a', [4]],
    ['b', [2, 1]],
  ]);
  expect(Buffer.from(readSafetensors(path).b!.bytes)).toEqual(Buffer.from(data.subarray(4)));
  appendFileSync(join(folder, 'file'), '');
  const error = await errorOf(() => writeSafetensors(join(folder, 'file/a.safetensors'), []));
  expect([error.code, error.message]).toEqual(['IO', expect.stringContaining('cannot write')]);
});
