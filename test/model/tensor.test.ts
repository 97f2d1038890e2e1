/** Tensors of an opened model: their bytes, values, views and statistics. */
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { fullBundle } from '../../src/display';
import { openModel } from '../../src/inference/model';
import { native } from '../../src/native';
import { fixture } from '../support/fixtures';
import { random } from '../support/random';
import { copyOf, errorOf } from '../support/temporary';
import { addTensors, bytesOf, type OwnTensor } from '../support/tensors';

afterEach(() => {
  expect(native().liveBytes()).toBe(0);
});

const NORM = 'model.norm.weight';

async function openWith(tensors: Readonly<Record<string, OwnTensor>>, options = {}) {
  const folder = copyOf('llama');
  addTensors(folder, tensors);
  return openModel(folder, options);
}

const tensor = (dtype: string, array: ArrayBufferView, length = array.byteLength): OwnTensor => ({
  dtype,
  shape: [length],
  bytes: bytesOf(array),
});

describe('values', () => {
  // Small floats by hand: sign, exponent and fraction as the formats define them.
  const cases: [string, OwnTensor, number[]][] = [
    ['F64', tensor('F64', Float64Array.of(1.5, -2, 1e300), 3), [1.5, -2, Number.POSITIVE_INFINITY]],
    ['I8', tensor('I8', Int8Array.of(-128, 0, 127)), [-128, 0, 127]],
    ['U8', tensor('U8', Uint8Array.of(0, 255)), [0, 255]],
    ['I16', tensor('I16', Int16Array.of(-32768, 7), 2), [-32768, 7]],
    ['U16', tensor('U16', Uint16Array.of(65535, 7), 2), [65535, 7]],
    ['I32', tensor('I32', Int32Array.of(-(2 ** 31), 16777217), 2), [-(2 ** 31), 16777216]],
    ['U32', tensor('U32', Uint32Array.of(4294967295), 1), [4294967296]],
    ['I64', tensor('I64', BigInt64Array.of(-(2n ** 63n), 5n), 2), [-(2 ** 63), 5]],
    ['U64', tensor('U64', BigUint64Array.of(2n ** 63n, 6n), 2), [2 ** 63, 6]],
    ['BOOL', tensor('BOOL', Uint8Array.of(0, 1, 1)), [0, 1, 1]],
    [
      'F16',
      tensor('F16', Uint16Array.of(0x3c00, 0xc000, 0x7c00, 1), 4),
      [1, -2, Number.POSITIVE_INFINITY, 2 ** -24],
    ],
    ['BF16', tensor('BF16', Uint16Array.of(0x3f80, 0xc000), 2), [1, -2]],
    [
      'F8_E5M2',
      tensor('F8_E5M2', Uint8Array.of(0x3c, 0xc0, 0x01, 0x7c, 0x7e)),
      [1, -2, 2 ** -16, Number.POSITIVE_INFINITY, Number.NaN],
    ],
    [
      'F8_E4M3',
      tensor('F8_E4M3', Uint8Array.of(0x38, 0xc0, 0x01, 0x7e, 0xff)),
      [1, -2, 2 ** -9, 448, Number.NaN],
    ],
    ['F8_E8M0', tensor('F8_E8M0', Uint8Array.of(127, 128, 0, 255)), [1, 2, 2 ** -127, Number.NaN]],
    ['F4', tensor('F4', Uint8Array.of(0x21, 0xf7), 4), [0.5, 1, 6, -6]],
    ['F6_E2M3', tensor('F6_E2M3', Uint8Array.of(0x48, 0xf2, 0x81), 4), [1, 1.125, 7.5, -0]],
    ['F6_E3M2', tensor('F6_E3M2', Uint8Array.of(0x4c, 0xf3, 0x05), 4), [1, 1.25, 28, 0.0625]],
  ];

  test.each(cases)('%s', async (dtype, own, expected) => {
    const model = await openWith({ own });
    const read = await model.tensor('own').read();
    expect([...read]).toEqual(expected.map(Math.fround));
    expect(Buffer.from(own.bytes).equals(await model.tensor('own').readBytes())).toBe(true);
    expect(model.tensor('own').dtype).toBe(dtype);
    model.close();
  });

  test('a type without numbers is refused by name, and its bytes are there', async () => {
    const own = tensor('C64', Float32Array.of(1, 2), 1);
    const model = await openWith({ own });
    const error = await errorOf(() => model.tensor('own').read());
    expect([error.code, error.message]).toEqual([
      'UNSUPPORTED',
      expect.stringMatching(/'own' is C64.*readBytes/),
    ]);
    expect((await model.tensor('own').readBytes()).length).toBe(8);
    model.close();
  });

  test('an empty tensor and a scalar', async () => {
    const model = await openWith({
      empty: { dtype: 'F32', shape: [0, 7], bytes: new Uint8Array() },
      one: { dtype: 'F32', shape: [], bytes: bytesOf(Float32Array.of(3)) },
    });
    expect([...(await model.tensor('empty').read())]).toEqual([]);
    expect([...(await model.tensor('one').read())]).toEqual([3]);
    const view = await model.tensor('empty').view();
    expect(view.data.length).toBe(0);
    view.close();
    expect(await model.tensor('empty').statistics()).toMatchObject({
      count: 0,
      sparsity: 0,
      min: Number.NaN,
    });
    expect(await model.tensor('one').statistics()).toMatchObject({ min: 3, max: 3, mean: 3, std: 0 });
    model.close();
  });

  test('a file that was cut short is CORRUPT, in every way of reading', async () => {
    const folder = copyOf('llama');
    const model = await openModel(folder);
    const last = model.tensor(model.tensors.at(-1)!.name);
    truncateSync(join(folder, 'model.safetensors'), 1000);
    const ways = [() => last.read(), () => last.readBytes(), () => last.view(), () => last.statistics()];
    for (const way of ways) expect((await errorOf(way)).code).toBe('CORRUPT');
    model.close();
  });

  test('after close everything is CLOSED', async () => {
    const model = await openModel(fixture('llama'));
    const norm = model.tensor(NORM);
    model.close();
    for (const way of [() => norm.read(), () => norm.readBytes(), () => norm.view(), () => norm.statistics()])
      expect((await errorOf(way)).code).toBe('CLOSED');
  });
});

describe('views', () => {
  test('show the bytes of the cache, and are empty once the last is closed', async () => {
    const model = await openModel(fixture('llama'));
    const norm = model.tensor(NORM);
    const [one, two] = [await norm.view(), await norm.view()];
    const data = one.data as Float32Array;
    expect(data).toEqual(await norm.read());
    expect(data.buffer).toBe(two.data.buffer);
    one.close();
    one.close();
    expect(() => one.data).toThrow(/is closed/);
    expect(data.length).toBe(64);
    two.close();
    expect(data.length).toBe(0);
    const again = await norm.view();
    expect(again.data).toEqual(await norm.read());
    again[Symbol.dispose]();
    model.close();
  });

  test('pin: what is seen is not given up, and what does not fit beside it is refused', async () => {
    const model = await openModel(fixture('llama'), { maxCacheSize: '200 KiB' });
    const table = await model.tensor('lm_head.weight').view();
    const before = table.data.slice(0, 4);
    const error = await errorOf(() => model.tensor('model.embed_tokens.weight').view());
    expect(error.code).toBe('OVER_BUDGET');
    expect(error.message).toMatch(
      /'model.embed_tokens.weight' of 128.0 KiB .* maxCacheSize is 200.0 KiB.*views/,
    );
    expect(error.details.pinnedBytes).toBe(128 * 1024);
    model.layers[0]!.release();
    expect(table.data.slice(0, 4)).toEqual(before);
    table.close();
    (await model.tensor('model.embed_tokens.weight').view()).close();
    model.close();
  });

  test('are empty when the model is closed', async () => {
    const model = await openModel(fixture('llama'));
    const { data } = await model.tensor(NORM).view();
    model.close();
    expect(data.length).toBe(0);
  });

  test.each([
    ['I64', BigInt64Array.of(1n, -1n)],
    ['F64', Float64Array.of(1, 2)],
    ['I8', Int8Array.of(1, 2)],
    ['U16', Uint16Array.of(1, 2)],
    ['F16', Uint16Array.of(1, 2)],
    ['BOOL', Uint8Array.of(0, 1)],
  ])('%s as an array of its kind', async (dtype, array) => {
    const model = await openWith({ own: tensor(dtype, array, array.length) });
    const view = await model.tensor('own').view();
    expect(view.data).toEqual(array);
    view.close();
    model.close();
  });
});

describe('statistics', () => {
  const ROWS = 700;
  const COLUMNS = 900;
  const next = random(5);
  const values = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => (i % 3 === 0 ? 0 : next() - 0.25));

  test('are those of the values, however many chunks they come in', async () => {
    const own = { dtype: 'F32', shape: [ROWS, COLUMNS], bytes: bytesOf(values) };
    const model = await openWith({ own });
    const statistics = await model.tensor('own').statistics({ bins: 10 });
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(statistics.min).toBe(values.reduce((a, b) => Math.min(a, b)));
    expect(statistics.max).toBe(values.reduce((a, b) => Math.max(a, b)));
    expect(statistics.mean).toBeCloseTo(mean, 12);
    expect(statistics.std).toBeCloseTo(Math.sqrt(variance), 12);
    expect(statistics.sparsity).toBe(Math.ceil(values.length / 3) / values.length);
    expect(statistics.histogram.length).toBe(10);
    expect(statistics.histogram.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
    const inFirst = values.filter((value) => value < statistics.histogram[0]!.to).length;
    expect(Math.abs(statistics.histogram[0]!.count - inFirst)).toBeLessThan(10);
    const { means } = statistics.blocks!;
    expect([means.length, means[0]!.length]).toEqual([48, 48]);
    const [rowEnd, columnEnd] = [Math.ceil(ROWS / 48), Math.ceil(COLUMNS / 48)];
    let sum = 0;
    for (let row = 0; row < rowEnd; row += 1)
      for (let column = 0; column < columnEnd; column += 1) sum += values[row * COLUMNS + column]!;
    expect(means[0]![0]).toBeCloseTo(sum / (rowEnd * columnEnd), 10);
    model.close();
  });

  test('NaN and infinities are counted, and the rest is of finite values', async () => {
    const array = Float32Array.of(
      Number.NaN,
      1,
      Number.POSITIVE_INFINITY,
      -1,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
    );
    const nothing = Float32Array.of(Number.NaN, Number.NaN);
    const model = await openWith({ own: tensor('F32', array, 6), nothing: tensor('F32', nothing, 2) });
    expect(await model.tensor('own').statistics()).toMatchObject({
      nan: 2,
      infinite: 2,
      finite: 2,
      min: -1,
      max: 1,
      mean: 0,
      std: 1,
    });
    const bad = await model.tensor('nothing').statistics();
    expect(bad).toMatchObject({ nan: 2, finite: 0, mean: Number.NaN, histogram: [] });
    expect(String(bad.plot())).toMatch(/no finite values/);
    model.close();
  });

  test('stop when they are aborted', async () => {
    const own = { dtype: 'F32', shape: [ROWS, COLUMNS], bytes: bytesOf(values) };
    const model = await openWith({ own });
    const controller = new AbortController();
    const running = model.tensor('own').statistics({ signal: controller.signal });
    controller.abort();
    expect((await errorOf(() => running)).code).toBe('CANCELLED');
    expect((await errorOf(() => model.tensor('own').read({ signal: AbortSignal.abort() }))).code).toBe(
      'CANCELLED',
    );
    model.close();
  });

  test('a matrix shows as a picture, a vector as a histogram, what has no numbers as text', async () => {
    const model = await openWith({ own: tensor('C64', Float32Array.of(1, 2), 1) });
    const matrix = await fullBundle(model.tensor('lm_head.weight'));
    expect(matrix['text/plain']).toMatch(/^lm_head.weight: F32 \[512, 64\]: 48 × 48 blocks/);
    const vector = await fullBundle(model.tensor(NORM));
    expect(vector['text/plain']).toMatch(/64 values from/);
    expect(Object.keys(vector)).toContain('image/svg+xml');
    expect(await fullBundle(model.tensor('own'))).toEqual({ 'text/plain': 'own: C64 [1]' });
    model.close();
  });
});
