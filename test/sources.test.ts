/** The checks of `npm run lint` and `npm run typecheck`, as tests: they are counted, and hold up no others. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';

test.each([
  ['formatted, and nothing is to be linted', 'lint'],
  ['of the right types, tests and set-up too', 'typecheck'],
])('the sources are %s', (_, script) => {
  const cwd = path.resolve(__dirname, '..');
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', script], { cwd, encoding: 'utf8' });
  expect(status, stdout + stderr).toBe(0);
});
