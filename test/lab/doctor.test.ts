import { expect, test } from 'vitest';
import { lab, pathWith } from './support';

interface Check {
  name: string;
  state: 'ok' | 'missing' | 'note';
  value: string;
  mend?: string;
}

test('here nothing is missing, and the machine is described', () => {
  const { status, stdout } = lab('doctor.mjs', ['--json']);
  const checks = JSON.parse(stdout) as Check[];
  expect(checks.filter(({ state }) => state === 'missing')).toEqual([]);
  expect(status).toBe(0);
  const value = Object.fromEntries(checks.map((check) => [check.name, check.value]));
  expect(value.Node).toBe(process.version);
  expect(value.JupyterLab).toBe('4.6.6');
  expect(value['instruction set']).toMatch(/^(scalar|avx2|avx512)/);
  expect(Number(value.cores)).toBeGreaterThan(0);
  expect(value.memory).toMatch(/GiB/);
  for (const name of ['npm packages', 'engine', 'kernelspec', 'JupyterLab extension'])
    expect(value).toHaveProperty(name);
});

test('what is missing is named with what mends it, and the exit code says so', () => {
  const { status, stdout } = lab('doctor.mjs', [], { PATH: pathWith({ 'apt-get': 'exit 0' }), CXX: '' });
  expect(status).toBe(1);
  expect(stdout).toMatch(/✗ needed .*A C\+\+ compiler .* was not found/);
  if (process.platform === 'linux') expect(stdout).toMatch(/mend: (sudo )?apt-get install -y g\+\+/);
});
