/** Stored numbers as float32. */
import { expect, test } from 'vitest';
import { bitsOf, toFloat32 } from '../../src/model/dtypes';

const asBytes = (...halves: number[]) => new Uint8Array(Uint16Array.from(halves).buffer);

test('f16: normal, subnormal, largest, infinite, not a number', () => {
  const values = toFloat32(
    asBytes(0x3c00, 0xc000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x8000),
    'F16',
  );
  const expected = [1, -2, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 65_504, Infinity, -Infinity, Number.NaN, -0];
  expect([...values]).toEqual(expected);
});

test('f16: finite values ascend with their bits', () => {
  const values = toFloat32(asBytes(...Array.from({ length: 0x7c01 }, (_, bits) => bits)), 'F16');
  for (let i = 1; i < values.length; i += 1) expect(values[i]! > values[i - 1]!).toBe(true);
});

test('bf16: the upper half of a float32', () => {
  const every = Array.from({ length: 0x10000 }, (_, bits) => bits);
  const view = new DataView(new ArrayBuffer(4));
  const expected = every.map((bits) => {
    view.setUint32(0, bits * 0x10000);
    return view.getFloat32(0);
  });
  expect([...toFloat32(asBytes(...every), 'BF16')]).toEqual(expected);
});

test('names outside of the format have no size, inherited ones included', () => {
  expect([bitsOf('F32'), bitsOf('F4'), bitsOf('constructor'), bitsOf('f32'), bitsOf(32)]).toEqual([
    32,
    4,
    ...Array(3),
  ]);
});
