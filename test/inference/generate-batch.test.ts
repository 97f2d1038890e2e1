/** Several prompts at once: each gets what it gets alone, in passes that all share. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GenerationResult } from '../../src/inference/generation';
import { type Model, openModel } from '../../src/inference/model';
import type { BatchOptions } from '../../src/inference/options';
import type { Session } from '../../src/inference/session';
import { native } from '../../src/native';
import { fixture, sameBits } from '../support/fixtures';
import { errorOf } from '../support/temporary';

const PROMPTS = [5, 1, 40, 24, 2].map((length, prompt) =>
  Array.from({ length }, (_, i) => (i * 37 + prompt * 101) % 97),
);
const SAMPLINGS: BatchOptions[] = [
  { maxTokens: 20 },
  { maxTokens: 20, temperature: 1.3, topK: 50, topP: 0.9, seed: 11 },
];
let model: Model;
let session: Session<Model>;

async function alone(options: BatchOptions): Promise<GenerationResult[]> {
  const results = [];
  for (const prompt of PROMPTS) {
    const generation = session.generate(prompt, options);
    await generation.text();
    results.push(generation.result);
  }
  return results;
}

describe.each(['llama', 'gpt2', 'gemma3', 'mistral-window'])('%s', (name) => {
  beforeEach(async () => {
    model = await openModel(fixture(name));
    session = model.session();
  });
  afterEach(async () => {
    model.close();
    await session.closed;
    expect(native().liveBytes()).toBe(0);
  });

  test.each(SAMPLINGS)('each prompt is continued as alone: %j', async (options) => {
    const expected = await alone(options);
    const batch = session.generateBatch(PROMPTS, options);
    const texts = await batch.texts();
    expect(texts).toEqual(expected.map(({ text }) => text));
    expect(batch.results.map(({ ids, finishReason }) => [ids, finishReason])).toEqual(
      expected.map(({ ids, finishReason }) => [ids, finishReason]),
    );
    expect(session.position).toBe(0);
    expect(session.memory.byTag['kv-cache']).toBe(0);
  });
});

describe('a batch', () => {
  beforeEach(async () => {
    model = await openModel(fixture('llama'));
    session = model.session();
  });
  afterEach(async () => {
    model.close();
    await session.closed;
    expect(native().liveBytes()).toBe(0);
  });

  test('gives a token of each prompt in turn, and leaves out those that have ended', async () => {
    const [one] = await alone({ maxTokens: 8 });
    Object.defineProperty(model, 'endIds', { value: [one!.ids[2]!] });
    const expected = await alone({ maxTokens: 8 });
    const seen: string[] = [];
    const batch = session.generateBatch(PROMPTS, { maxTokens: 8 });
    for await (const { prompt, index, id } of batch) {
      seen.push(`${index} ${prompt}`);
      expect(id).toBe(expected[prompt]!.ids[index]);
    }
    const inTurn = Array.from({ length: 8 }, (_, index) =>
      expected.flatMap(({ ids }, prompt) => (index < ids.length ? [`${index} ${prompt}`] : [])),
    );
    expect(seen).toEqual(inTurn.flat());
    expect(batch.results[0]!.finishReason).toBe('end');
  });

  test('runs under the smallest budget of all, and is refused with a page less', async () => {
    const expected = await alone({ maxTokens: 30 });
    const batchUnder = async (budget: number) => {
      await using session = model.session({ budget, threads: 2, prefetchWindow: 0 });
      const texts = await session.generateBatch(PROMPTS, { maxTokens: 30 }).texts();
      expect(session.memory.reservedPeak).toBeLessThanOrEqual(budget);
      return texts;
    };
    const { smallestBudgetBytes: tooSmall } = model.plan({ positions: 69, threads: 2 });
    const error = await errorOf(() => batchUnder(tooSmall));
    expect(error).toMatchObject({ code: 'OVER_BUDGET' });
    const smallest = error.details.smallestBudgetBytes as number;
    expect(await errorOf(() => batchUnder(smallest - 4096))).toMatchObject({ code: 'OVER_BUDGET' });
    expect(await batchUnder(smallest)).toEqual(expected.map(({ text }) => text));
  });

  test('reads the weights once for all prompts', async () => {
    const read = async (run: (session: Session) => Promise<unknown>) => {
      await using streaming = model.session({
        budget: model.plan({ positions: 256 }).smallestBudgetBytes,
        threads: 2,
      });
      await run(streaming);
      return streaming.statistics.bytesRead;
    };
    const prompts = [[1], [2], [3], [4]];
    const together = await read((session) => session.generateBatch(prompts, { maxTokens: 9 }).texts());
    const one = await read((session) => session.generate([1], { maxTokens: 9 }).text());
    // Beside the layers each prompt reads rows of the embedding, and its keys and values leave less room for layers.
    expect(together).toBeLessThan(2 * one);
  });

  test('can be left, aborted, and taken away', async () => {
    for await (const _ of session.generateBatch(PROMPTS)) break;
    expect(session.position).toBe(0);

    const controller = new AbortController();
    const aborted = session.generateBatch(PROMPTS, { signal: controller.signal });
    await aborted.next();
    controller.abort();
    expect(await errorOf(() => aborted.texts())).toMatchObject({ code: 'CANCELLED' });
    expect(session.position).toBe(0);

    const batch = session.generateBatch(PROMPTS);
    await batch.next();
    const logits = await session.forward([1, 2, 3]);
    expect(await errorOf(() => batch.texts())).toMatchObject({ code: 'CANCELLED' });
    expect(session.position).toBe(3);
    expect(sameBits((await session.forward([1, 2, 3])).data, logits.data)).toBe(true);
  });

  test('stop texts end the prompts that come to them', async () => {
    const whole = (await alone({ maxTokens: 16 })).map(({ text }) => text);
    const stop = [whole[3]!.slice(4, 8)];
    const texts = await session.generateBatch(PROMPTS, { maxTokens: 16, stop }).texts();
    expect(texts).toEqual((await alone({ maxTokens: 16, stop })).map(({ text }) => text));
    expect(texts[3]).not.toBe(whole[3]);
  });

  test('is shown as a table', async () => {
    const batch = session.generateBatch([[1], [2]], { maxTokens: 3 });
    expect(batch.toString()).toContain('not begun');
    await batch.texts();
    const bundle = batch[Symbol.for('Jupyter.display') as never] as () => Record<string, unknown>;
    expect(Object.keys(bundle.call(batch))).toContain('text/html');
  });

  test.each([
    [undefined, {}],
    ['text', {}],
    [[], {}],
    [[[1], []], {}],
    [[[1], [99999]], {}],
    [[[1]], { maxTokens: 0 }],
    [[[1]], { speculate: 'prompt-lookup' }],
  ])('%j with %j is INVALID', async (prompts, options) => {
    const call = () => session.generateBatch(prompts as number[][], options as BatchOptions);
    expect(await errorOf(call)).toMatchObject({ code: 'INVALID' });
  });
});
