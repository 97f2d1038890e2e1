/** The trained model of the notebooks: what transformers computes from it, and what its card says that it can do. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Model, openModel } from '../../src/inference/model';
import { expected, largestDifference } from '../support/fixtures';

const folder = join(__dirname, '../../notebooks/models/manpage');
const BUDGET = '4 MiB'; // less than half of the model
let model: Model;

beforeAll(async () => {
  model = await openModel(folder);
});
afterAll(() => {
  model.close();
});

test('logits and greedy tokens equal those of transformers, in less memory than its weights take', async () => {
  const { inputIds, logits, greedy } = expected('manpage');
  const session = model.session({ budget: BUDGET });
  expect(model.bytes).toBeGreaterThan(2 * session.budget);
  expect(largestDifference((await session.forward(inputIds)).data, logits)).toBeLessThanOrEqual(1e-3);
  const generation = session.generate(inputIds, { maxTokens: greedy.length });
  await generation.text();
  expect(generation.result.ids).toEqual(greedy);
  expect(session.memory.peak).toBeLessThanOrEqual(session.budget);
});

test('the table that embedding and output share is drawn once', () => {
  const drawn = model.plot().spec.data.flatMap((trace) => (trace as { y: number[] }).y);
  expect(drawn).toHaveLength(model.layers.length - 1);
  expect(model.plot().toString()).toContain('9.4 MiB');
});

test('bits per byte on the held-out pages are those of the card', async () => {
  const card = readFileSync(join(folder, 'README.md'), 'utf8');
  const stated = Number(/do not overlap \| \*\*([\d.]+)\*\*/.exec(card)?.[1]);
  const text = readFileSync(join(folder, 'heldout.txt'), 'utf8');
  const begin = model.tokenizer!.encode('<|endoftext|>')[0]!;
  const ids = [begin, ...model.tokenizer!.encode(text)];
  const session = model.session({ budget: '6 MiB' });
  const context = model.contextLength;
  let nats = 0;
  for (let start = 0; start + 1 < ids.length; start += context) {
    const targets = ids.slice(start + 1, start + 1 + context);
    const logits = await session.forward(ids.slice(start, start + targets.length));
    targets.forEach((target, row) => {
      nats -= logProbability(logits.row(row), target);
    });
  }
  expect(nats / Math.LN2 / Buffer.byteLength(text)).toBeCloseTo(stated, 2);
}, 600_000); // two minutes with the scalar kernels

function logProbability(logits: Float32Array, id: number): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > highest) highest = logit;
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - highest);
  return logits[id]! - highest - Math.log(total);
}
