import { describe, expect, test } from 'vitest';
import { Table } from '../../src/display';

const table = new Table(
  [
    'tag',
    { label: 'peak', unit: 'bytes' },
    { label: 'allocations', unit: 'count' },
    { label: 'time', unit: 'duration' },
    { label: 'share', unit: 'percent' },
  ],
  [
    ['weights', 3 * 2 ** 20, 12345, 1234, 0.5],
    ['kv-cache', 4096, 0, 0.25, 1],
  ],
);

describe('a table', () => {
  test('in a terminal has aligned columns', () => {
    expect(String(table)).toBe(
      [
        'tag          peak  allocations     time   share',
        'weights   3.0 MiB       12,345   1.23 s   50.0%',
        'kv-cache  4.0 KiB            0  0.25 ms  100.0%',
      ].join('\n'),
    );
  });

  test('in a notebook has headers with scope and numbers to the right', () => {
    const html = table.toHTML();
    expect(html).toContain('<th scope="col" style="text-align:left">tag</th>');
    expect(html).toContain('<td style="text-align:right;white-space:nowrap">3.0 MiB</td>');
  });

  test('escapes what its cells, labels and caption hold', () => {
    const hostile = '<img src=x onerror=alert(1)>';
    const html = new Table([{ label: hostile }], [[hostile]], { caption: hostile }).toHTML();
    expect(html).not.toContain('<img');
    expect(html.match(/&lt;img/g)).toHaveLength(3);
  });

  test('shows no NaN, undefined or null', () => {
    const odd = new Table(
      [{ label: 'a', unit: 'number' }],
      [[Number.NaN], [undefined], [null], [Infinity], [0.1 + 0.2]],
    );
    expect(String(odd)).toBe('  a\n  –\n  –\n  –\n  ∞\n0.3');
  });

  test('lines and tabs of a cell do not break its row', () => {
    expect(String(new Table([{ label: 'text' }], [['a\n\tb']]))).toBe('text\na b');
  });

  test('of many rows shows the first and counts the rest', () => {
    const long = new Table(
      [{ label: 'n', unit: 'count' }],
      Array.from({ length: 1500 }, (_, index) => [index]),
      {
        maxRows: 2,
      },
    );
    expect(String(long)).toBe('n\n0\n1\n… 1,498 more');
    expect(long.toHTML().match(/<tr>/g)).toHaveLength(4);
  });

  test('may be empty', () => {
    expect(String(new Table([{ label: 'a' }, { label: 'b' }], []))).toBe('a  b');
  });
});
