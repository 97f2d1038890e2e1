import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { asArguments } from '../../src/cli/lab-program';

function hyperion(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const main = path.resolve(__dirname, '../../dist/src/cli/main.js');
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });
}

test('options become the arguments that they were', () => {
  expect(asArguments({ port: '1', sysPrefix: true, html: false, out: undefined })).toEqual([
    '--port',
    '1',
    '--sys-prefix',
    '--no-html',
  ]);
});

test('--help lists the commands of the lab, and each has its options', () => {
  const { stdout } = hyperion(['--help']);
  for (const command of ['lab', 'run', 'kernel', 'doctor'])
    expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
  expect(hyperion(['lab', '--help']).stdout).toContain('--no-browser');
  expect(hyperion(['run', '--help']).stdout).toContain('--timeout <seconds>');
  expect(hyperion(['kernel', 'install', '--help']).stdout).toContain('--sys-prefix');
});

test('doctor --json prints a list of checks', () => {
  const checks = JSON.parse(hyperion(['doctor', '--json']).stdout) as { name: string; state: string }[];
  expect(checks).toContainEqual({ name: 'Node', state: 'ok', value: process.version });
});

test('the exit code is that of the program behind the command', () => {
  expect(hyperion(['doctor', '--json']).status).toBe(0);
  expect(hyperion(['doctor', '--json'], { PATH: '', CXX: '' }).status).toBe(1);
  const { status, stderr } = hyperion(['lab', '--port', 'abc']);
  expect(status).toBe(1);
  expect(stderr).toContain('--port abc is not a port');
});

test('kernel install and uninstall reach the folder that is asked for', () => {
  const prefix = mkdtempSync(path.join(tmpdir(), 'hyperion-cli-'));
  onTestFinished(() => rmSync(prefix, { recursive: true }));
  const spec = path.join(prefix, 'share/jupyter/kernels/hyperion/kernel.json');
  expect(hyperion(['kernel', 'install', '--prefix', prefix]).status).toBe(0);
  expect(existsSync(spec)).toBe(true);
  expect(hyperion(['kernel', 'uninstall', '--prefix', prefix]).status).toBe(0);
  expect(existsSync(spec)).toBe(false);
});
