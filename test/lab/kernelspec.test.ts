import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { lab, project, temporaryFolder } from './support';

test('the kernelspec starts this Node on the compiled kernel, by absolute paths, and has its logos', () => {
  const prefix = temporaryFolder();
  const { status, stdout } = lab('kernelspec.mjs', ['install', '--prefix', prefix]);
  const folder = path.join(prefix, 'share/jupyter/kernels/hyperion');
  expect(status).toBe(0);
  expect(stdout).toContain(folder);
  expect(JSON.parse(readFileSync(path.join(folder, 'kernel.json'), 'utf8'))).toMatchObject({
    argv: [process.execPath, path.join(project, 'dist/kernel/main.js'), '{connection_file}'],
    display_name: 'TypeScript (Hyperion)',
    language: 'typescript',
    interrupt_mode: 'message',
  });
  for (const logo of ['logo-32x32.png', 'logo-64x64.png', 'logo-svg.svg']) {
    expect(existsSync(path.join(folder, logo)), logo).toBe(true);
  }
});

test('uninstall removes what install wrote, and says so when there is nothing', () => {
  const JUPYTER_DATA_DIR = temporaryFolder();
  const folder = path.join(JUPYTER_DATA_DIR, 'kernels/hyperion');
  expect(lab('kernelspec.mjs', ['install', '--user'], { JUPYTER_DATA_DIR }).status).toBe(0);
  expect(existsSync(folder)).toBe(true);
  expect(lab('kernelspec.mjs', ['uninstall', '--user'], { JUPYTER_DATA_DIR }).status).toBe(0);
  expect(existsSync(folder)).toBe(false);
  const again = lab('kernelspec.mjs', ['uninstall', '--user'], { JUPYTER_DATA_DIR });
  expect(again.status).toBe(1);
  expect(again.stderr).toContain(`There is no kernel in ${folder}`);
});

test('without an option it goes into the active Python environment', () => {
  const VIRTUAL_ENV = temporaryFolder();
  expect(lab('kernelspec.mjs', ['install'], { VIRTUAL_ENV }).status).toBe(0);
  expect(existsSync(path.join(VIRTUAL_ENV, 'share/jupyter/kernels/hyperion/kernel.json'))).toBe(true);
});

test('two places at once are refused', () => {
  const { status, stderr } = lab('kernelspec.mjs', ['install', '--user', '--prefix', '/tmp']);
  expect(status).toBe(1);
  expect(stderr).toContain('Give one of --prefix, --user and --sys-prefix');
});
