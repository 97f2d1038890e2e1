/** The values of stored elements, through the addon, against what the gguf package makes of the same bytes. */
import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { blockOf, type Dtype, isFloatDtype } from '../../src/model/dtypes';
import { COMPUTE_DTYPES, type ComputeDtype, type NativeTensor, native } from '../../src/native';
import { floats, readSafetensors, sameBits } from '../support/fixtures';
import { errorOf, temporaryFolder } from '../support/temporary';

const FOLDER = join(__dirname, '../fixtures/gguf');

/** An opened model of one file that holds these bytes as one tensor. */
function openBytes(bytes: Uint8Array, dtype: NativeTensor['dtype'], shape: readonly number[]) {
  const path = join(temporaryFolder(), 'weights');
  writeFileSync(path, bytes);
  const tensor = { name: 'weights', file: 0, offset: 0, bytes: bytes.length, dtype, shape };
  return { path, model: native().openModel({ files: [path], tensors: [tensor], checksums: [] }) };
}

describe.each(readdirSync(FOLDER).filter((name) => name.endsWith('.safetensors')))('%s', (name) => {
  const tensors = readSafetensors(join(FOLDER, name));
  const types = Object.keys(tensors).filter((key) => key.startsWith('raw.'));
  const cases = types.map((key) => key.slice(4) as ComputeDtype & Dtype);

  test.each(cases)('%s', async (dtype) => {
    const raw = tensors[`raw.${dtype}`]!.bytes;
    const expected = floats(tensors[`deq.${dtype}`]!.bytes);
    const elements = (raw.length / blockOf(dtype).bytes) * blockOf(dtype).elements;
    expect(elements).toBe(expected.length);
    const { model } = openBytes(raw, dtype, [elements]);
    const values = new Float32Array(elements);
    await native().readValues(model, 0, 0, values);
    expect(sameBits(values, expected)).toBe(true);
    const some = new Float32Array(99);
    await native().readValues(model, 0, 157, some);
    expect(sameBits(some, expected.slice(157, 256))).toBe(true);
    native().closeModel(model);
  });
});

test('every type that the engine computes with is compared', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.safetensors'));
  const compared = files.flatMap((name) => Object.keys(readSafetensors(join(FOLDER, name))));
  const quantized = COMPUTE_DTYPES.filter((dtype) => !isFloatDtype(dtype));
  expect(compared).toEqual(expect.arrayContaining(quantized.map((dtype) => `deq.${dtype}`)));
});

describe('what cannot be read is refused by name', () => {
  const blocks = new Uint8Array(2 * 34);
  const values = (model: unknown, tensor: unknown, first: unknown, out: unknown) =>
    errorOf(() => native().readValues(model as number, tensor as number, first as number, out as never));

  test('elements and tensors that are not there', async () => {
    const { model } = openBytes(blocks, 'Q8_0', [64]);
    const out = new Float32Array(8);
    expect(await values(model, 0, 57, out)).toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('tensor weights has 64 elements'),
    });
    expect((await values(model, 0, 2 ** 53, out)).code).toBe('INVALID');
    expect((await values(model, 1, 0, out)).code).toBe('INVALID');
    native().closeModel(model);
    expect((await values(model, 0, 0, out)).code).toBe('CLOSED');
  });

  test('arguments of another kind', async () => {
    const { model } = openBytes(blocks, 'Q8_0', [64]);
    for (const [tensor, first, out] of [
      ['0', 0, new Float32Array(1)],
      [0.5, 0, new Float32Array(1)],
      [0, -1, new Float32Array(1)],
      [0, Number.NaN, new Float32Array(1)],
      [0, 0, new Float64Array(1)],
      [0, 0, new ArrayBuffer(4)],
      [0, 0, undefined],
    ])
      expect((await values(model, tensor, first, out)).code).toBe('INVALID');
    native().closeModel(model);
  });

  test('the values of data, whose bytes can be read', async () => {
    const { model } = openBytes(Uint8Array.of(1, 2, 3), 'DATA', [2 ** 40, 2 ** 40]);
    expect(await values(model, 0, 0, new Float32Array(1))).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('tensor weights'),
    });
    const bytes = new Uint8Array(3);
    await native().readTensor(model, 0, bytes);
    expect([...bytes]).toEqual([1, 2, 3]);
    native().closeModel(model);
  });

  test('a file that was cut short', async () => {
    const { path, model } = openBytes(blocks, 'Q8_0', [64]);
    truncateSync(path, 40);
    await native().readValues(model, 0, 0, new Float32Array(32));
    expect((await values(model, 0, 32, new Float32Array(1))).code).toBe('CORRUPT');
    native().closeModel(model);
  });

  test.each<[NativeTensor['dtype'], number[]]>([
    ['Q8_0', [4, 16]],
    ['Q8_0', [2 ** 40, 2 ** 40]],
    ['Q8_0', [32]],
    ['Q4_K', [64]],
    ['Q8_0', []],
  ])('%s of shape %j for two blocks of Q8_0', async (dtype, shape) => {
    const error = await errorOf(() => openBytes(blocks, dtype, shape));
    expect(error).toMatchObject({
      code: 'BAD_FORMAT',
      message: expect.stringContaining('tensor weights'),
    });
  });

  test('an element type that nobody knows', async () => {
    expect((await errorOf(() => openBytes(blocks, 'IQ4_NL' as never, [64]))).code).toBe('INVALID');
  });

  test('random numbers for a quantized type', async () => {
    const fill = () => native().fillNormal(new Uint8Array(34), 'Q8_0' as never, 1, 0, 1);
    expect((await errorOf(fill)).code).toBe('INVALID');
  });
});
