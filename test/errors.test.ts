/** The error class, and how a notebook shows it. */
import { expect, test } from 'vitest';
import { HyperionError } from '../src';
import { type Displayable, jupyterDisplay } from '../src/display';

test('an error has a code, a sentence, details, and its cause', () => {
  const cause = new Error('below');
  const error = new HyperionError('IO', 'cannot read x', { errno: 'ENOENT' }, { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: 'HyperionError', code: 'IO', message: 'cannot read x', cause });
  expect(String(error)).toBe('HyperionError: cannot read x');
});

test('it shows itself, with its numbers in units', () => {
  const error = new HyperionError('OVER_BUDGET', 'too small', { smallestBudgetBytes: 3 * 2 ** 20 });
  const bundle = (error as unknown as Displayable)[jupyterDisplay]() as Record<string, string>;
  expect(bundle['text/plain']).toContain('3.0 MiB');
  expect(bundle['text/html']).toContain('OVER_BUDGET');
});
