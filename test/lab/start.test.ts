import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { lab, notebookWith, project, temporaryFolder } from './support';

test('--help names every option', () => {
  const { status, stdout } = lab('start.mjs', ['--help']);
  expect(status).toBe(0);
  for (const option of ['--port', '--no-browser', '--run', '--out', '--no-html', '--timeout']) {
    expect(stdout).toContain(option);
  }
});

test.each([
  [['--port', 'abc'], '--port abc is not a port'],
  [['--port', '70000'], '--port 70000 is not a port'],
  [['--colour'], '--colour'],
  [['a.ipynb'], "'a.ipynb' was not expected"],
  [['--run', '/nowhere/a.ipynb'], 'There is no notebook /nowhere/a.ipynb.'],
])('%j is refused', (args, sentence) => {
  const { status, stderr } = lab('start.mjs', args);
  expect(status).toBe(1);
  expect(stderr).toContain(sentence);
});

test('an explicit port that is in use is an error before anything is set up', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const { status, stdout, stderr } = lab('start.mjs', ['--no-browser', '--port', String(port)]);
  other.close();
  expect(status).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain(`Port ${port} is in use.`);
});

test('the lab answers at the URL that it prints, offers the kernel, writes nothing to the home folder, and ends on SIGTERM', async () => {
  const HOME = temporaryFolder();
  const child = spawn(
    process.execPath,
    [path.join(project, 'kernel/lab/start.mjs'), '--no-browser', '--port', '0'],
    {
      env: { ...process.env, HOME },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let url: URL | undefined;
  for await (const line of createInterface(child.stdout)) {
    if (line.includes('token=')) {
      url = new URL(line.trim());
      break;
    }
  }
  const specs = await fetch(new URL(`/api/kernelspecs${url?.search}`, url)).then((reply) => reply.json());
  expect(specs.default).toBe('hyperion');
  expect(specs.kernelspecs.hyperion.spec.display_name).toBe('TypeScript (Hyperion)');
  const files = await fetch(new URL(`/api/contents${url?.search}`, url)).then((reply) => reply.json());
  expect(files.content.map(({ name }: { name: string }) => name)).toContain('00-start.ipynb');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  await expect(fetch(url as URL)).rejects.toThrow();
  for (const folder of ['.jupyter', '.local', '.ipython'])
    expect(existsSync(path.join(HOME, folder))).toBe(false);
});

test('--run writes the executed notebook and a page, and leaves the source as it is', () => {
  const notebook = notebookWith('const answer: number = 6 * 7;', 'answer');
  const source = readFileSync(notebook, 'utf8');
  const out = temporaryFolder();
  const { status, stdout, stderr } = lab('start.mjs', ['--run', notebook, '--out', out]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(stdout).toContain(path.join(out, 'small.ipynb'));
  expect(readFileSync(notebook, 'utf8')).toBe(source);
  const executed = JSON.parse(readFileSync(path.join(out, 'small.ipynb'), 'utf8'));
  expect(executed.cells[1].outputs[0]).toMatchObject({
    output_type: 'execute_result',
    data: { 'text/plain': ['42'] },
  });
  expect(readFileSync(path.join(out, 'small.html'), 'utf8')).toContain('42');
});

test('--run fails when a cell fails, shows its error, and writes what ran until then', () => {
  const notebook = notebookWith('1 + 1', 'throw new Error("no such luck")', '3');
  const out = temporaryFolder();
  const { status, stderr } = lab('start.mjs', ['--run', notebook, '--out', out, '--no-html']);
  expect(status).toBe(1);
  expect(stderr).toContain('Code cell 2 of 3 failed.');
  expect(stderr).toContain('no such luck');
  const executed = JSON.parse(readFileSync(path.join(out, 'small.ipynb'), 'utf8'));
  expect(executed.cells[0].outputs).toHaveLength(1);
  expect(executed.cells[2].execution_count).toBeNull();
  expect(existsSync(path.join(out, 'small.html'))).toBe(false);
});

test('--run ends a cell that takes longer than the limit', () => {
  const notebook = notebookWith('await new Promise(() => {})');
  const { status, stderr } = lab('start.mjs', [
    '--run',
    notebook,
    '--out',
    temporaryFolder(),
    '--timeout',
    '2',
  ]);
  expect(status).toBe(1);
  expect(stderr).toContain('Code cell 1 of 1 failed.');
});
