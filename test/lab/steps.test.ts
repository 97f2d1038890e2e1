import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { SetupError } from '../../kernel/lab/process.mjs';
import { setupSteps } from '../../kernel/lab/setup.mjs';
import { filesBelow, Stamps, stampOf } from '../../kernel/lab/stamps.mjs';
import { isStale, runSteps, stampOfStep } from '../../kernel/lab/steps.mjs';
import { project, temporaryFolder } from './support';

const silent = { begin: () => () => {} } as never;

function stampsIn(folder: string): Stamps {
  return new Stamps(path.join(folder, 'stamps.json'));
}

test('a stamp follows names and contents of the inputs, not their times', () => {
  const folder = temporaryFolder();
  const input = path.relative(project, folder);
  writeFileSync(path.join(folder, 'a'), 'one');
  const first = stampOf([input]);
  utimesSync(path.join(folder, 'a'), 1, 1);
  expect(stampOf([input])).toBe(first);
  expect(stampOf([input], ['v20'])).not.toBe(first);
  writeFileSync(path.join(folder, 'b'), '');
  const second = stampOf([input]);
  expect(second).not.toBe(first);
  writeFileSync(path.join(folder, 'a'), 'two');
  expect(stampOf([input])).not.toBe(second);
});

test('what builds leave in a folder is no input', () => {
  const folder = temporaryFolder();
  for (const name of ['node_modules', 'dist', 'build', 'lib']) {
    mkdirSync(path.join(folder, name));
    writeFileSync(path.join(folder, name, 'made'), '');
  }
  writeFileSync(path.join(folder, 'source'), '');
  expect(filesBelow(folder)).toEqual([path.join(folder, 'source')]);
});

test('unreadable stamps count as none', () => {
  const folder = temporaryFolder();
  writeFileSync(path.join(folder, 'stamps.json'), '{"a": tru');
  const stamps = stampsIn(folder);
  expect(stamps.has('a', 'x')).toBe(false);
  stamps.set('a', 'x');
  expect(stamps.has('a', 'x')).toBe(true);
});

test('a step runs again when its inputs change or its output is gone, and otherwise not', async () => {
  const folder = temporaryFolder();
  const source = path.join(folder, 'source');
  const output = path.join(folder, 'output');
  const run = vi.fn(() => writeFileSync(output, readFileSync(source)));
  const step = {
    name: 'test-copy',
    title: 'copy',
    inputs: [path.relative(project, source)],
    outputs: [output],
    run,
  };
  const options = { stamps: stampsIn(folder), progress: silent };
  writeFileSync(source, '1');
  expect(await runSteps([step], options)).toEqual(['test-copy']);
  expect(await runSteps([step], options)).toEqual([]);
  writeFileSync(source, '2');
  expect(await runSteps([step], options)).toEqual(['test-copy']);
  rmSync(output);
  expect(await runSteps([step], options)).toEqual(['test-copy']);
  expect(run).toHaveBeenCalledTimes(3);
});

test('a failed step leaves no stamp, stops those after it, and says what mends it', async () => {
  const folder = temporaryFolder();
  const after = vi.fn();
  const failing = {
    name: 'test-failing',
    title: 'failing',
    mend: 'try harder',
    run: () => Promise.reject(new SetupError('It broke.')),
  };
  const options = { stamps: stampsIn(folder), progress: silent };
  const steps = [failing, { name: 'test-after', title: 'after', after: ['test-failing'], run: after }];
  await expect(runSteps(steps, options)).rejects.toMatchObject({ message: 'It broke.', mend: 'try harder' });
  expect(after).not.toHaveBeenCalled();
  expect(isStale(failing, options.stamps)).toBe(true);
});

test('steps that build on nothing run side by side, the others in their order', async () => {
  const folder = temporaryFolder();
  const order: string[] = [];
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const steps = [
    { name: 'test-a', title: 'a', run: () => gate.then(() => void order.push('a')) },
    {
      name: 'test-b',
      title: 'b',
      run: () => {
        order.push('b');
        open();
      },
    },
    { name: 'test-c', title: 'c', after: ['test-a', 'test-b'], run: () => void order.push('c') },
  ];
  await runSteps(steps, { stamps: stampsIn(folder), progress: silent });
  expect(order).toEqual(['b', 'a', 'c']);
});

test('a second start of this project has nothing to do, and after a change only what it changed', () => {
  const stamps = stampsIn(temporaryFolder());
  const steps = setupSteps();
  for (const step of steps) stamps.set(step.name, stampOfStep(step));
  expect(steps.filter((step) => isStale(step, stamps)).map(({ name }) => name)).toEqual([]);
  stamps.set('environment', 'of another requirements.txt');
  expect(steps.filter((step) => isStale(step, stamps)).map(({ name }) => name)).toEqual(['environment']);
});
