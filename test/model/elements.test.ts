import { expect, test } from 'vitest';
import { elementsOf } from '../../src/model/elements';

const bytes = Uint8Array.from({ length: 33 }, (_, index) => index);

test('elements are seen where they lie, and copied only from an odd place', () => {
  const there = elementsOf('F32', bytes.subarray(4, 12));
  expect(there).toBeInstanceOf(Float32Array);
  expect([there.buffer, there.byteOffset, there.length]).toEqual([bytes.buffer, 4, 2]);
  const copied = elementsOf('U32', bytes.subarray(5, 13));
  expect(copied.buffer).not.toBe(bytes.buffer);
  expect([...copied]).toEqual([0x08070605, 0x0c0b0a09]);
});

test('halves are 16 bits, and what JavaScript has no array for is bytes', () => {
  expect(elementsOf('BF16', bytes.subarray(0, 4))).toBeInstanceOf(Uint16Array);
  expect(elementsOf('Q4_0', bytes.subarray(3, 21))).toEqual(bytes.subarray(3, 21));
});
