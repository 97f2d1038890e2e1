/** Sizes as text and back. */
import { describe, expect, test } from 'vitest';
import { parseBudget } from '../src/memory/budget';
import { formatBytes, formatCount, formatDuration, parseSize } from '../src/units';

describe('parseSize', () => {
  test.each([
    ['64 MiB', 64 * 2 ** 20],
    ['600MiB', 600 * 2 ** 20],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['1.5 gib', 1.5 * 2 ** 30],
    ['2TiB', 2 ** 41],
    ['10kB', 10_000],
    ['1.5GB', 1.5e9],
    ['0.0001 TB', 1e8],
    ['.5 KiB', 512],
    ['5.', 5],
    [' 1234 ', 1234],
    ['1234B', 1234],
    ['1.0001 KiB', 1024],
    [1234, 1234],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ])('%j is %d bytes', (size, bytes) => {
    expect(parseSize(size)).toBe(bytes);
  });

  const bad = [
    '',
    ' ',
    'MiB',
    'x',
    '1 XiB',
    '1 M',
    '-1',
    '-1 MiB',
    '+1',
    '1e3',
    '1,5 MiB',
    '1 2 MiB',
    '0',
    '0 GiB',
  ];
  const worse = [
    0,
    -1,
    0.4,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    '9999999 TiB',
    '0.0001 B',
    '1 constructor',
  ];
  const others = [null, undefined, {}, [], true, 5n];
  test.each([...bad, ...worse, ...others])('%s is INVALID, with an example of how to write it', (size) => {
    const code = expect.objectContaining({
      code: 'INVALID',
      message: expect.stringMatching(/^budget .*'512 MiB'/),
    });
    expect(() => parseSize(size as string, 'budget')).toThrow(code);
  });
});

test('a budget can be absent', () => {
  expect([undefined, 'unlimited', Number.POSITIVE_INFINITY].map((value) => parseBudget(value))).toEqual(
    Array(3).fill(Infinity),
  );
  expect(parseBudget('1 KiB')).toBe(1024);
});

describe('formatBytes', () => {
  test.each([
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1024 * 1023.94, '1023.9 KiB'],
    [1024 * 1023.96, '1.0 MiB'],
    [64 * 2 ** 20, '64.0 MiB'],
    [3 * 2 ** 50, '3072.0 TiB'],
    [-2048, '-2.0 KiB'],
    [Number.POSITIVE_INFINITY, 'unlimited'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test('what it writes reads back within its rounding, at every size', () => {
    for (let bytes = 1; bytes < 2 ** 52; bytes = Math.ceil(bytes * 1.37)) {
      const shown = formatBytes(bytes);
      expect(Math.abs(parseSize(shown) - bytes)).toBeLessThanOrEqual(bytes * 0.05 + 0.5);
      expect(shown).toMatch(/^\d{1,4}(\.\d)? ([KMGT]i)?B$/);
    }
  });
});

test.each([
  [0, '0.00 ms'],
  [9.994, '9.99 ms'],
  [9.996, '10 ms'],
  [999.6, '1.00 s'],
  [59_994, '59.99 s'],
  [59_996, '1 min 0 s'],
  [125_000, '2 min 5 s'],
])('%d ms is %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [0, '0'],
  [999, '999'],
  [1000, '1,000'],
  [1_100_048_384, '1,100,048,384'],
  [-1234.4, '-1,234'],
])('the count %d is %s', (count, text) => {
  expect(formatCount(count)).toBe(text);
});
