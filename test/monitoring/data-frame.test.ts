/** Data frames where danfojs-node is installed, and the error where it is not. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Displayable, jupyterDisplay } from '../../src/display';
import { toDataFrame } from '../../src/monitoring/data-frame';

const library = JSON.stringify(join(__dirname, '../../dist/src/index.js'));
const rows = [
  { strategy: 'pool', size: 4096, holder: null },
  { strategy: 'arena', size: 1024, holder: 'layer 0' },
  { strategy: 'pool', size: 512, holder: 'layer 1' },
];

test('rows become columns that can be grouped', async () => {
  const frame = await toDataFrame(rows);
  expect(frame.columns).toEqual(['strategy', 'size', 'holder']);
  expect(frame.column('size').values).toEqual([4096, 1024, 512]);
  expect(frame.column('holder').values).toEqual([null, 'layer 0', 'layer 1']);
  const sums = frame.groupby(['strategy']).col(['size']).sum();
  expect(sums.column('strategy').values).toEqual(['pool', 'arena']);
  expect(sums.column('size_sum').values).toEqual([4608, 1024]);
});

test('a row that lacks a column has null there, and another’s values do not move', async () => {
  const frame = await toDataFrame([{ a: 1 }, { b: 2 }, { b: 3, a: 4 }]);
  expect(frame.columns).toEqual(['a', 'b']);
  expect(frame.values).toEqual([
    [1, null],
    [null, 2],
    [4, 3],
  ]);
});

test('no rows are a frame without columns', async () => {
  expect((await toDataFrame([])).shape).toEqual([0, 0]);
});

test('a frame, a sum of its groups and a column show as tables', async () => {
  const frame = await toDataFrame(rows);
  const text = (value: unknown) => (value as Displayable)[jupyterDisplay]() as Record<string, string>;
  expect(text(frame)['text/html']).toMatch(/<td style="text-align:right[^"]*">4096<\/td>/);
  expect(text(frame)['text/plain']).toBe(
    '   strategy  size  holder\n0  pool      4096  –\n1  arena     1024  layer 0\n2  pool       512  layer 1',
  );
  const sums = frame.groupby(['strategy']).col(['size']).sum();
  expect(text(sums)['text/plain']).toBe(
    '   strategy  size_sum\n0  pool          4608\n1  arena         1024',
  );
  expect(text(frame.column('size'))['text/plain']).toBe('   size\n0  4096\n1  1024\n2   512');
});

/** What a new process prints that calls `toDataFrame` and then does what `code` says. */
function inNewProcess(code: string, options: readonly string[] = []) {
  const script = `require(${library}).toDataFrame([{ a: 1 }, { a: 2 }])${code}`;
  return spawnSync(process.execPath, [...options, '-e', script], { encoding: 'utf8' });
}

const scriptUrl = (script: string) => `data:text/javascript,${encodeURIComponent(script)}`;

test('where it is not installed, the error says what to install', () => {
  // Node is sent to look for a package that is indeed not there, so that the failure is Node's own.
  const hook = `export const resolve = (name, context, next) =>
    next(name === 'danfojs-node' ? 'danfojs-node-elsewhere' : name, context);`;
  const registration = `import { register } from 'node:module'; register(${JSON.stringify(scriptUrl(hook))});`;
  const { stdout, stderr } = inNewProcess(
    '.catch(({ name, code, message }) => console.log(JSON.stringify([name, code, message])))',
    ['--import', scriptUrl(registration)],
  );
  expect(stderr).toBe('');
  const [name, code, message] = JSON.parse(stdout);
  expect([name, code]).toEqual(['HyperionError', 'UNSUPPORTED']);
  expect(message).toContain('npm install danfojs-node@1.2.0');
});

test('neither loading nor computing prints anything', () => {
  const { status, stdout, stderr } = inNewProcess('.then((frame) => frame.tensor.sum().dataSync())');
  expect([status, stdout, stderr]).toEqual([0, '', '']);
});
