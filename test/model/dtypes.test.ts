/** Stored numbers as float32. */
import { expect, test } from 'vitest';
import {
  blockOf,
  bytesOfShape,
  type Dtype,
  isComputeDtype,
  isDtype,
  isSafetensorsDtype,
  toFloat32,
} from '../../src/model/dtypes';

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

test('names outside of the table are no types, inherited ones included', () => {
  expect(['F32', 'F4', 'Q4_K', 'IQ1_S'].map(isDtype)).toEqual([true, true, true, true]);
  expect(['constructor', 'f32', 'Q7', 32, null].map(isDtype)).toEqual(Array(5).fill(false));
  expect(['F4', 'Q4_K', 'toString'].map(isSafetensorsDtype)).toEqual([true, false, false]);
});

test('a block is what is stored together', () => {
  expect(blockOf('F32')).toEqual({ elements: 1, bytes: 4 });
  expect(blockOf('F4')).toEqual({ elements: 2, bytes: 1 });
  expect(blockOf('Q4_0')).toEqual({ elements: 32, bytes: 18 });
  expect(blockOf('Q6_K')).toEqual({ elements: 256, bytes: 210 });
});

test.each<[Dtype, number[], number | undefined]>([
  ['F32', [], 4],
  ['BF16', [3, 5], 30],
  ['F4', [3, 2], 3],
  ['F4', [2, 3], 3],
  ['F4', [3], undefined],
  ['Q8_0', [7, 64], 7 * 2 * 34],
  ['Q8_0', [64, 7], undefined],
  ['Q8_0', [64, 33], undefined],
  ['Q4_K', [2, 512], 2 * 2 * 144],
  ['Q4_K', [256, 32], undefined],
  ['Q4_K', [], undefined],
  ['Q4_K', [5, 0], 0],
  ['U8', [2 ** 53], undefined],
  ['F64', [2 ** 52], undefined],
  ['F32', [2 ** 32, 2 ** 32, 1], undefined],
  ['F32', [2 ** 40, 2 ** 40, 0], undefined],
  ['Q4_0', [2 ** 40, 2 ** 40], undefined],
])('%s %j takes %j bytes', (dtype, shape, bytes) => {
  expect(bytesOfShape(dtype, shape)).toBe(bytes);
});

test('quantized types are computed with, those without a kernel and integers are data', () => {
  expect((['F16', 'Q2_K', 'Q8_0'] as const).map(isComputeDtype)).toEqual([true, true, true]);
  expect((['F64', 'I8', 'IQ4_NL', 'Q8_K'] as const).map(isComputeDtype)).toEqual(Array(4).fill(false));
});
