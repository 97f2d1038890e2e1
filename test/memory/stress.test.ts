/** Any sequence of calls: in the main thread, and in two worker threads at once that share a process and nothing else. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { expect, test } from 'vitest';
import * as api from '../../src/index';
import { native } from '../../src/native';
import { stress } from '../support/allocator-stress';
import { random } from '../support/random';

const OPERATIONS = 200_000;

test('random operations over all allocators', () => {
  const before = native().liveBytes();
  const refused = stress(api, random(11), OPERATIONS);
  expect(refused).toBeGreaterThan(0);
  expect(native().liveBytes()).toBe(before);
});

test('the same in two worker threads at once', async () => {
  const before = native().liveBytes();
  const refusals = await Promise.all([21, 22].map(stressInWorker));
  expect(Math.min(...refusals)).toBeGreaterThan(0);
  expect(native().liveBytes()).toBe(before);
});

/** Compiled modules of the test's support, as a function in the worker. */
function moduleText(name: string): string {
  const source = readFileSync(join(__dirname, `../support/${name}.ts`), 'utf8');
  const { outputText } = transpileModule(source, {
    compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022 },
  });
  return `(() => { const exports = {}; ${outputText}; return exports; })()`;
}

function stressInWorker(seed: number): Promise<number> {
  const worker = new Worker(
    `const api = require(${JSON.stringify(join(__dirname, '../../dist/src/index.js'))});
     const { stress } = ${moduleText('allocator-stress')};
     const { random } = ${moduleText('random')};
     require('node:worker_threads').parentPort.postMessage(stress(api, random(${seed}), ${OPERATIONS}));`,
    { eval: true },
  );
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (refused) => worker.once('exit', () => resolve(refused)));
  });
}
