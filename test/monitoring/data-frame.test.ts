/** Data frames where danfojs-node is installed, and the error where it is not. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { toDataFrame } from '../../src/monitoring/data-frame';
import { temporaryFolder } from '../support/temporary';

const ROOT = join(__dirname, '../..');
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

/** Runs `code` beside the one module, in a process of its own. */
function run(folder: string, code: string) {
  for (const file of ['errors', 'monitoring/data-frame']) {
    const source = readFileSync(join(ROOT, 'src', `${file}.ts`), 'utf8');
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { module: ts.ModuleKind.Node16, target: ts.ScriptTarget.ES2022 },
      fileName: `${file}.ts`,
    });
    const path = join(folder, `${file}.js`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, outputText);
  }
  const script = `const { toDataFrame } = require(${JSON.stringify(join(folder, 'monitoring/data-frame.js'))}); ${code}`;
  return spawnSync(process.execPath, ['-e', script], { cwd: folder, encoding: 'utf8' });
}

test('where it is not installed, the error says what to install', () => {
  const { stdout, stderr } = run(
    temporaryFolder(),
    'toDataFrame([{ a: 1 }]).catch(({ name, code, message }) => console.log(JSON.stringify([name, code, message])))',
  );
  expect(stderr).toBe('');
  const [name, code, message] = JSON.parse(stdout);
  expect([name, code]).toEqual(['HyperionError', 'UNSUPPORTED']);
  expect(message).toContain('npm install danfojs-node@1.2.0');
});

test('neither loading nor computing prints anything', () => {
  const library = JSON.stringify(join(ROOT, 'dist/src/index.js'));
  const script = `require(${library}).toDataFrame([{ a: 1 }, { a: 2 }]).then((frame) => frame.tensor.sum().dataSync())`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  expect([status, stdout, stderr]).toEqual([0, '', '']);
});
