/** Lifetimes: a handle ends once, and one that was forgotten ends with its owner. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Handle } from '../../src/memory/handle';
import { fixture } from '../support/fixtures';

test('it is released once and refused afterwards', () => {
  const released: number[] = [];
  const handle = new Handle({}, 'session', 7, (id) => released.push(id));
  expect([handle.get(), handle.closed]).toEqual([7, false]);
  handle.close();
  handle.close();
  expect([released, handle.closed]).toEqual([[7], true]);
  expect(() => handle.get()).toThrow(
    expect.objectContaining({ code: 'CLOSED', message: expect.stringMatching(/session is closed/) }),
  );
});

/** Runs code against the compiled API in a process of its own, and gives what it prints. */
function run(code: string, ...flags: string[]): string {
  const program = `
    const { openModel, HyperionError } = require(${JSON.stringify(join(__dirname, '../../dist/src/index.js'))});
    const { native } = require(${JSON.stringify(join(__dirname, '../../dist/src/native.js'))});
    const path = ${JSON.stringify(fixture('llama-256'))};
    (async () => { ${code} })();`;
  return execFileSync(process.execPath, [...flags, '-e', program], {
    encoding: 'utf8',
    timeout: 30_000,
  }).trim();
}

test('sessions and models that were forgotten are given back by the collector', () => {
  const code = `
    async function leak() {
      const model = await openModel(path);
      for (let i = 0; i < 3; i++) await model.session({ budget: '4 MiB' }).forward([1, 2, 3]);
    }
    await leak();
    const before = native().liveBytes();
    for (let i = 0; i < 100 && native().liveBytes() > 0; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    console.log(before > 0, native().liveBytes());`;
  expect(run(code, '--expose-gc')).toBe('true 0');
});

test('a process ends by itself with everything open, a recording and a generation included', () => {
  const code = `
    const model = await openModel(path);
    const session = model.session();
    session.record();
    const generation = session.generate([1, 2, 3]);
    await generation.next();
    void session.forward([1]).catch(() => {});
    console.log('end');`;
  expect(run(code)).toBe('end');
});

test('process.exit while a forward runs', () => {
  const code = `
    const model = await openModel(path);
    void model.session().forward(Array.from({ length: 200 }, (_, i) => i));
    console.log('end');
    process.exit(0);`;
  expect(run(code)).toBe('end');
});

test('in a worker thread that is terminated while it computes', () => {
  const code = `
    const { Worker } = require('node:worker_threads');
    const source = \`
      const { openModel } = require(\${JSON.stringify(require.resolve(${JSON.stringify(join(__dirname, '../../dist/src/index.js'))}))});
      openModel(\${JSON.stringify(path)}).then(async (model) => {
        const session = model.session();
        require('node:worker_threads').parentPort.postMessage('running');
        for (;;) await session.forward(Array.from({ length: 200 }, (_, i) => i));
      });\`;
    const worker = new Worker(source, { eval: true });
    await new Promise((resolve) => worker.once('message', resolve));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await worker.terminate();
    const model = await openModel(path);
    const { shape } = await model.session().forward([1]);
    model.close();
    while (native().liveBytes() > 0) await new Promise(setImmediate);
    console.log(shape.join(), native().liveBytes());`;
  expect(run(code)).toBe('1,512 0');
});
