/** The benchmarks as a user finds them; what each measures is tested beside it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const cli = join(__dirname, '../../dist/src/cli/main.js');

test.each([
  ['loading', /--only <names\.\.\.>.*\n?.*"f16-25", "f16-50"/],
  ['memory', /--json/],
  ['model', /--shape/],
])('--help lists the benchmark of %s, and its own its options', (name, option) => {
  const help = (...args: string[]) =>
    spawnSync(process.execPath, [cli, 'bench', ...args, '--help'], { encoding: 'utf8' });
  expect(help().stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
  expect(help(name).stdout).toMatch(option);
});
