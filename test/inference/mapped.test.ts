/** The peer of the benchmark: the same passes over mapped weights. */
import { expect, test } from 'vitest';
import { openModel } from '../../src/inference/model';
import { resolveSessionOptions } from '../../src/inference/options';
import { expected, fixture, sameBits } from '../support/fixtures';
import { errorOf } from '../support/temporary';

const { inputIds } = expected('llama-256');

test('mapped weights give the same bits as streamed ones; they are neither read nor charged', async () => {
  const model = await openModel(fixture('llama-256'));
  const { smallestBudgetBytes: budget } = model.plan({ positions: inputIds.length });
  const streamed = model.session({ budget });
  const mapped = model.sessionWith({ ...resolveSessionOptions({ budget }), io: 'mmap' });
  const ofStreamed = await streamed.forward(inputIds);
  const ofMapped = await mapped.forward(inputIds);
  expect(sameBits(ofMapped.data, ofStreamed.data)).toBe(true);

  expect(mapped.statistics).toMatchObject({ io: 'mmap', bytesRead: 0, loads: 0, evictions: 0, stalls: 0 });
  expect(mapped.memory.peakByTag).toMatchObject({ weights: 0, staging: 0 });
  expect(streamed.statistics.bytesRead).toBeGreaterThan(0);
  model.close();
  await Promise.all([mapped.closed, streamed.closed]);
});

test('sessions of the API cannot ask for it', async () => {
  const model = await openModel(fixture('llama-256'));
  expect(await errorOf(() => model.session({ io: 'mmap' as 'auto' }))).toMatchObject({ code: 'INVALID' });
  model.close();
});
