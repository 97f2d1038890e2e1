/** The pure parts of a session: positions, history, excerpts of errors. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { globPattern, History } from '../../kernel/session/history';
import { toCodePoints, toUtf16 } from '../../kernel/session/positions';
import { excerpt, formatError } from '../../kernel/session/traceback';

test.each([
  ['abc', 2, 2],
  ['😀bc', 1, 2],
  ['a😀😀b', 3, 5],
  ['ab', 9, 2],
  ['', 0, 0],
])('position in %j: code point %i is UTF-16 index %i', (text, points, index) => {
  expect(toUtf16(text, points)).toBe(index);
  if (points <= [...text].length) expect(toCodePoints(text, index)).toBe(points);
});

test.each([
  ['let *', 'let x = 1', true],
  ['let ?', 'let xy', false],
  ['*', 'a\nb', true],
  ['a.b(*)', 'a.b(1)', true],
  ['a.b', 'axb', false],
])('glob %j on %j: %s', (glob, text, matches) => {
  expect(globPattern(glob).test(text)).toBe(matches);
});

describe('history', () => {
  const history = new History();
  for (const [index, input] of ['a = 1', 'b = 2', 'a = 1', 'c'].entries()) history.add(index + 1, input);
  history.setOutput(4, '3');

  test.each([
    [
      'the tail',
      { hist_access_type: 'tail', n: 2 },
      [
        [1, 3, 'a = 1'],
        [1, 4, 'c'],
      ],
    ],
    [
      'a range',
      { hist_access_type: 'range', session: 0, start: 2, stop: 4 },
      [
        [1, 2, 'b = 2'],
        [1, 3, 'a = 1'],
      ],
    ],
    ['another session', { hist_access_type: 'range', session: -1 }, []],
    [
      'a search',
      { hist_access_type: 'search', pattern: '* = *', n: 2 },
      [
        [1, 2, 'b = 2'],
        [1, 3, 'a = 1'],
      ],
    ],
    ['a unique search', { hist_access_type: 'search', pattern: 'a*', unique: true }, [[1, 3, 'a = 1']]],
    [
      'outputs',
      { hist_access_type: 'tail', n: 2, output: true },
      [
        [1, 3, ['a = 1', null]],
        [1, 4, ['c', '3']],
      ],
    ],
  ])('answers %s', (_, request, rows) => {
    expect(history.answer(request)).toEqual(rows);
  });
});

test('an excerpt marks the line and the column', () => {
  const lines = excerpt({ name: 'cell [3]', code: 'one\ntwo\n\tthree\nfour\nfive\nsix', line: 3, column: 2 });
  expect(lines.map(stripVTControlCharacters)).toEqual([
    'cell [3], line 3',
    '  1 | one',
    '  2 | two',
    '> 3 | \tthree',
    '    | \t^',
    '  4 | four',
    '  5 | five',
  ]);
});

test.each([
  ['a string', 'no', 'Thrown', "'no'"],
  ['undefined', undefined, 'Thrown', 'undefined'],
  ['an error', new RangeError('far'), 'RangeError', 'far'],
  [
    'an error with hostile getters',
    Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('getter');
      },
    }),
    'Error',
    '',
  ],
])('formats %s', (_, thrown, ename, evalue) => {
  expect(formatError(thrown)).toMatchObject({ ename, evalue });
});
