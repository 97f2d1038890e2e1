/** Element types and the sizes of their blocks. */
import { expect, test } from 'vitest';
import {
  blockOf,
  bytesOfShape,
  type Dtype,
  isComputeDtype,
  isDtype,
  isSafetensorsDtype,
} from '../../src/model/dtypes';

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
