/** Weights that are mapped: all of them stay, charged to the budget, and a file that is cut short is an error. */
import { cpSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openModel } from '../../src/inference/model';
import { expected, fixture, sameBits } from '../support/fixtures';
import { errorOf, temporaryFolder } from '../support/temporary';

const { inputIds } = expected('llama-256');

test('mapped weights give the same bits as streamed ones; they are charged, and never read', async () => {
  const model = await openModel(fixture('llama-256'));
  const positions = inputIds.length;
  const streamed = model.session({ budget: model.plan({ positions }).smallestBudgetBytes });
  const { smallestBudgetBytes: budget, weightBytes } = model.plan({ positions, io: 'mmap' });
  const mapped = model.session({ budget, io: 'mmap' });
  const [ofStreamed, ofMapped] = [await streamed.forward(inputIds), await mapped.forward(inputIds)];
  expect(sameBits(ofMapped.data, ofStreamed.data)).toBe(true);

  expect(mapped.statistics).toMatchObject({ io: 'mmap', bytesRead: 0, loads: 0, evictions: 0, stalls: 0 });
  expect(mapped.memory.byTag).toMatchObject({ weights: weightBytes, staging: 0 });
  expect(streamed.statistics.bytesRead).toBeGreaterThan(0);
  model.close();
  await Promise.all([mapped.closed, streamed.closed]);
});

test('a budget without room for all weights is refused; the smallest one is told, and works', async () => {
  const model = await openModel(fixture('llama-256'));
  const error = await errorOf(() => model.session({ io: 'mmap', budget: model.plan().smallestBudgetBytes }));
  expect(error).toMatchObject({ code: 'OVER_BUDGET', details: { smallestBudgetBytes: expect.any(Number) } });
  const session = model.session({ io: 'mmap', budget: error.details.smallestBudgetBytes as number });
  await session.forward([1]);
  model.close();
});

test('a file that is cut short under a session makes its pass CORRUPT, and the process goes on', async () => {
  const folder = join(temporaryFolder(), 'llama-256');
  cpSync(fixture('llama-256'), folder, { recursive: true });
  const model = await openModel(folder);
  const session = model.session({ io: 'mmap' });
  truncateSync(join(folder, 'model.safetensors'), 4096);
  const error = await errorOf(() => session.forward(inputIds));
  expect(error.code).toBe('CORRUPT');
  expect(error.message).toMatch(/^layer .*model\.safetensors was changed since the model was opened/);
  model.close();
  await session.closed;
});
