/** The attention window: with one layer, a token’s logits depend on the tokens in its window and on no others. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openModel } from '../../src/inference/model';
import { writeSample } from '../../src/model/sample/write';
import { native } from '../../src/native';
import { largestDifference, sameBits } from '../support/fixtures';
import { temporaryFolder } from '../support/temporary';

const sizes = { layers: 1, hidden: 64, heads: 4, kvHeads: 2, intermediate: 96, vocab: 300, context: 256 };

test.each([1, 4, 70])('a window of %i', async (window) => {
  const directory = temporaryFolder();
  await writeSample({ shape: 'tinyllama-1.1b', dtype: 'f32', directory, sizes, seed: 3 });
  const plain = await openModel(directory);
  const path = join(directory, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8'));
  const mistral = { architectures: ['MistralForCausalLM'], model_type: 'mistral', sliding_window: window };
  writeFileSync(path, JSON.stringify({ ...config, ...mistral }));
  const model = await openModel(directory);
  expect(model.architecture).toBe('mistral');

  // 150 tokens: more than two blocks of the KV cache, and prefilled in several chunks under the smallest budget.
  const ids = Array.from({ length: 150 }, (_, i) => (i * 37) % 300);
  const changed = (at: number) => ids.map((id, i) => (i === at ? (id + 1) % 300 : id));
  const session = model.session({ budget: model.plan({ positions: 150 }).smallestBudgetBytes });
  const last = async (tokens: number[]) => (await session.forward(tokens)).row().slice();
  const reference = await last(ids);
  expect(sameBits(await last(changed(150 - window - 1)), reference)).toBe(true);
  expect(sameBits(await last(changed(0)), reference)).toBe(true);
  expect(sameBits(await last(changed(150 - window)), reference)).toBe(false);

  const whole = await plain.session().forward(ids);
  const within = await session.forward(ids);
  const rows = window * 300;
  expect(largestDifference(within.data.subarray(0, rows), whole.data.subarray(0, rows))).toBe(0);
  expect(sameBits(within.row(149), whole.row(149))).toBe(false);
  plain.close();
  model.close();
  while (native().liveBytes() > 0) await new Promise(setImmediate);
});
