import { describe, expect, test } from 'vitest';
import { errorBundle } from '../../src/display';

const overBudget = {
  code: 'OVER_BUDGET',
  message: 'needs 412.0 MiB, the budget is 256.0 MiB; smallest feasible budget: 301.0 MiB',
  details: { neededBytes: 412 * 2 ** 20, smallestBudgetBytes: 301 * 2 ** 20, layer: 'output' },
};

describe('an error on display', () => {
  test('says in text the code, the sentence and the details with their units', () => {
    expect(errorBundle(overBudget)['text/plain']).toBe(
      [
        `OVER_BUDGET: ${overBudget.message}`,
        '  needed           412.0 MiB',
        '  smallest budget  301.0 MiB',
        '  layer            output',
      ].join('\n'),
    );
  });

  test('cuts fractions to what can be read', () => {
    const details = { externalFragmentation: 27 / 28, threads: 123456 };
    expect(errorBundle({ code: 'OUT_OF_MEMORY', message: 'full', details })['text/plain']).toBe(
      'OUT_OF_MEMORY: full\n  external fragmentation  0.9643\n  threads                 123456',
    );
  });

  test('is announced to screen readers and holds the sentence', () => {
    const html = errorBundle(overBudget)['text/html'];
    expect(html).toContain('role="alert"');
    expect(html).toContain(overBudget.message);
  });

  test('escapes the sentence, the names and the values', () => {
    const html = errorBundle({ code: '<a>', message: '<b>', details: { '<c>': '<d>' } })[
      'text/html'
    ] as string;
    expect(html).not.toMatch(/<[abcd]>/);
    expect(html).toContain('&lt;d&gt;');
  });

  test('needs no details', () => {
    expect(errorBundle({ code: 'CLOSED', message: 'the session is closed', details: {} })['text/plain']).toBe(
      'CLOSED: the session is closed',
    );
  });
});
