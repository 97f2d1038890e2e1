import { expect, test } from 'vitest';
import { nodeProblem } from '../../kernel/lab/node-version.mjs';
import { mendCommand } from '../../kernel/lab/requirements.mjs';
import { lab, pathWith } from './support';

const linux = process.platform === 'linux';
const asRoot = process.getuid?.() === 0;
const sudo = asRoot ? '' : 'sudo ';
const present = { 'apt-get': 'exit 0', 'c++': 'exit 0', make: 'exit 0' };
const pythonWithVenv = 'case "$1" in --version) echo "Python 3.11.2";; esac';

test('on a machine with nothing, each missing program is named and nothing is run', () => {
  const { status, stdout, stderr } = lab('start.mjs', ['--no-browser'], { PATH: pathWith({}), CXX: '' });
  expect(status).toBe(1);
  expect(stderr).toContain('Python 3.10 or later was not found');
  expect(stderr).toContain('A C++ compiler (c++, g++ or clang++) was not found');
  expect(stderr).toContain('Neither make nor ninja was found');
  expect(stdout).toContain('✗ requirements');
  expect(stdout).not.toContain('npm packages');
});

test.runIf(linux)('one command brings everything that is missing', () => {
  const { status, stderr } = lab('start.mjs', [], { PATH: pathWith({ 'apt-get': 'exit 0' }), CXX: '' });
  expect(status).toBe(1);
  expect(stderr).toContain(`Mend it with:  ${sudo}apt-get install -y python3 python3-venv g++ make`);
});

test.runIf(linux)('a Python without venv names the package of its version', () => {
  const python3 = 'case "$1" in --version) echo "Python 3.12.3";; *) exit 1;; esac';
  const { status, stderr } = lab('start.mjs', [], { PATH: pathWith({ ...present, python3 }), CXX: '' });
  expect(status).toBe(1);
  expect(stderr).toContain('cannot make environments');
  expect(stderr).toContain(`Mend it with:  ${sudo}apt-get install -y python3.12-venv`);
});

test('a Python that is too old counts as missing; a newer one beside it is taken', () => {
  const old = { ...present, python3: 'echo "Python 3.9.2"' };
  const missing = lab('requirements.mjs', [], { PATH: pathWith(old), CXX: '' });
  expect(missing.stdout).toContain('python3');
  const beside = lab('requirements.mjs', [], {
    PATH: pathWith({ ...old, 'python3.13': pythonWithVenv }),
    CXX: '',
  });
  expect(beside.stdout).not.toContain('python3');
});

test.runIf(linux)('npm test names what only the tests need', () => {
  const compiler = 'exit 1'; // cannot compile #include <gtest/gtest.h>
  const PATH = pathWith({ ...present, 'c++': compiler, python3: pythonWithVenv });
  const { status, stderr } = lab('test.mjs', [], { PATH, CXX: '', CHROMIUM_PATH: undefined });
  expect(status).toBe(1);
  expect(stderr).toContain('GoogleTest (gtest/gtest.h) was not found.');
  expect(stderr).toContain('Chromium was not found');
  expect(stderr).toContain(`Mend it with:  ${sudo}apt-get install -y libgtest-dev chromium`);
});

test('each package manager has its own names for the packages', () => {
  const missing = [{ what: 'No C++ compiler.', packages: { 'apt-get': 'g++', dnf: 'gcc-c++' } }];
  expect(mendCommand(missing, 'dnf')).toBe(`${sudo}dnf install -y gcc-c++`);
  if (linux) expect(mendCommand(missing, 'brew')).toBeUndefined();
});

test('Node is new enough from 20.17 on', () => {
  for (const version of ['20.17.0', '20.20.2', '22.0.0', '24.1.0'])
    expect(nodeProblem(version)).toBeUndefined();
  for (const version of ['20.16.0', '18.20.4']) {
    expect(nodeProblem(version, {})?.what).toBe(
      `Node ${version} is too old: Hyperion Lab needs Node 20.17 or later.`,
    );
    expect(nodeProblem(version, { NVM_DIR: '/home/me/.nvm' })?.mend).toBe('nvm install 22');
  }
});
