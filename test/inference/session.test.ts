/** Sessions as a user runs them: generating, continuing, cancelling, sharing a model, closing. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Model, openModel } from '../../src/inference/model';
import type { Session } from '../../src/inference/session';
import { native } from '../../src/native';
import { expected, fixture, sameBits } from '../support/fixtures';
import { errorOf } from '../support/temporary';

const { inputIds, greedy } = expected('llama');
let model: Model;
let session: Session<Model>;

beforeEach(async () => {
  model = await openModel(fixture('llama'));
  session = model.session({ budget: '4 MiB' });
});
afterEach(async () => {
  model.close();
  await session.closed;
  // A test may have had sessions of its own, which the model closes too.
  await expect.poll(() => native().liveBytes(), { timeout: 10_000 }).toBe(0);
});

describe('generate', () => {
  test('tokens come one by one, with index, text and probability', async () => {
    const tokens = [];
    for await (const token of session.generate(inputIds, { maxTokens: 6 })) tokens.push(token);
    expect(tokens.map(({ id }) => id)).toEqual(greedy.slice(0, 6));
    expect(tokens.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(tokens.map(({ text }) => text).join('')).toBe(model.tokenizer!.decode(greedy.slice(0, 6)));
    const { data } = await session.forward([...inputIds, ...greedy.slice(0, 5)]);
    const rows = data.subarray((inputIds.length - 1) * 512);
    for (const [step, { id, logProbability }] of tokens.entries()) {
      const row = rows.subarray(step * 512, (step + 1) * 512);
      const sum = row.reduce((total, logit) => total + Math.exp(logit), 0);
      expect(logProbability).toBeCloseTo(row[id]! - Math.log(sum), 4);
    }
  });

  test('the result tells what happened', async () => {
    const generation = session.generate(inputIds, { maxTokens: 5, seed: 3 });
    expect(generation.result).toMatchObject({
      ids: [],
      text: '',
      finishReason: null,
      timeToFirstTokenMs: null,
    });
    const text = await generation.text();
    const { result } = generation;
    expect(result).toMatchObject({
      ids: greedy.slice(0, 5),
      text,
      promptTokens: 24,
      finishReason: 'length',
      seed: 3,
    });
    expect(result.timeToFirstTokenMs).toBeGreaterThan(0);
    expect(result.prefillTokensPerSecond).toBeCloseTo(24_000 / result.timeToFirstTokenMs!, 5);
    expect(result.tokensPerSecond).toBeGreaterThan(0);
  });

  test('a text prompt is its tokens; an Int32Array is a list', async () => {
    const ids = model.tokenizer!.encode('Hello there');
    const run = async (prompt: Parameters<typeof session.generate>[0]) => {
      const generation = session.generate(prompt, { maxTokens: 8 });
      await generation.text();
      return generation.result.ids;
    };
    expect(await run('Hello there')).toEqual(await run(ids));
    expect(await run(Int32Array.from(ids))).toEqual(await run(ids));
  });

  test('an end token of the model ends it, and is part of the ids but not of the text', async () => {
    const endIds = [greedy[3]!];
    Object.defineProperty(model, 'endIds', { value: endIds });
    const generation = session.generate(inputIds, { maxTokens: 32 });
    await generation.text();
    expect(generation.result).toMatchObject({ ids: greedy.slice(0, 4), finishReason: 'end' });
  });

  test('a stop text ends it and is not shown', async () => {
    const whole = model.tokenizer!.decode(greedy);
    const stop = whole.slice(5, 9);
    const shown: string[] = [];
    const generation = session.generate(inputIds, { maxTokens: 32, stop: [stop, 'never in it'] });
    for await (const { text } of generation) shown.push(text);
    expect(shown.join('')).toBe(whole.slice(0, whole.indexOf(stop)));
    expect(generation.result).toMatchObject({ text: shown.join(''), finishReason: 'stop' });
    expect(generation.result.ids.length).toBeLessThan(32);
  });

  test('parts of the text join to the whole, unfinished characters and held back ends included', async () => {
    const whole = model.tokenizer!.decode(greedy);
    const shown: string[] = [];
    for await (const { text } of session.generate(inputIds, { maxTokens: 32, stop: ['\u0000'] }))
      shown.push(text);
    expect(shown.join('')).toBe(whole);
  });

  test('the same seed gives the same text, another one another', async () => {
    const run = async (seed: number) => {
      const generation = session.generate(inputIds, {
        maxTokens: 24,
        temperature: 2,
        topK: 200,
        topP: 0.98,
        seed,
      });
      await generation.text();
      return generation.result.ids.join();
    };
    expect(await run(5)).toBe(await run(5));
    expect(await run(5)).not.toBe(await run(6));
  });

  test('maxTokens may fill the context and the token after it, not more', async () => {
    const prompt = Array.from({ length: 250 }, (_, i) => i);
    const generation = session.generate(prompt);
    await generation.text();
    expect(generation.result.ids).toHaveLength(7);
    expect(session.position).toBe(256);
    const error = await errorOf(() => session.generate(prompt, { maxTokens: 8 }));
    expect(error).toMatchObject({
      code: 'INVALID',
      message: expect.stringMatching(/context of 256 .* can be 7/),
    });
  });

  test('leaving the loop early leaves the session usable at once', async () => {
    for await (const { index } of session.generate(inputIds, { maxTokens: 100 })) if (index === 2) break;
    const generation = session.generate(inputIds, { maxTokens: 4 });
    await generation.text();
    expect(generation.result.ids).toEqual(greedy.slice(0, 4));
  });

  test('a generation that was not finished ends when another call takes the session', async () => {
    const first = session.generate(inputIds, { maxTokens: 10 });
    await first.next();
    await session.forward([1, 2, 3]);
    expect(await errorOf(() => first.next())).toMatchObject({ code: 'CANCELLED' });
    expect((await first.next()).done).toBe(true);
  });

  test('two sessions of one model generate at the same time', async () => {
    const other = model.session({ budget: model.plan({ positions: 64 }).smallestBudgetBytes, threads: 1 });
    const generations = [session, other].map((one) => one.generate(inputIds, { maxTokens: 32 }));
    await Promise.all(generations.map((generation) => generation.text()));
    for (const { result } of generations) expect(result.ids).toEqual(greedy);
    other.close();
    await other.closed;
  });
});

describe('forward', () => {
  test('begins anew, or continues', async () => {
    const whole = await session.forward(inputIds);
    expect(session.position).toBe(24);
    await session.forward(inputIds.slice(0, 10));
    expect(session.position).toBe(10);
    const rest = await session.forward(inputIds.slice(10), { append: true });
    expect(session.position).toBe(24);
    expect(sameBits(rest.data, whole.data.slice(10 * 512))).toBe(true);
    session.reset();
    expect(session.position).toBe(0);
  });

  test('logits by row and by rank', async () => {
    const logits = await session.forward(inputIds);
    expect(logits.row(0)).toEqual(logits.data.subarray(0, 512));
    expect(logits.row()).toEqual(logits.data.subarray(23 * 512));
    const [first, second] = logits.top(2);
    expect(first!.id).toBe(greedy[0]);
    expect(first!.logit).toBeGreaterThan(second!.logit);
    expect(first!.token).toBe(model.tokenizer!.tokenOf(greedy[0]!));
    expect(logits.top(512).reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 6);
    expect(await errorOf(() => logits.row(24))).toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('23'),
    });
  });
});

describe('cancelling', () => {
  test('a signal that is aborted already', async () => {
    const reason = new Error('because');
    const error = await errorOf(() => session.forward(inputIds, { signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: 'CANCELLED', cause: reason });
  });

  test('while it runs; the session goes on as if nothing had been', async () => {
    const controller = new AbortController();
    const prompt = Array.from({ length: 200 }, (_, i) => i);
    const work = session.forward(prompt, { signal: controller.signal });
    setImmediate(() => controller.abort());
    expect(await errorOf(() => work)).toMatchObject({ code: 'CANCELLED' });
    const generation = session.generate(inputIds, { maxTokens: 4 });
    await generation.text();
    expect(generation.result.ids).toEqual(greedy.slice(0, 4));
  });

  test('between two tokens', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const error = await errorOf(async () => {
      for await (const { id } of session.generate(inputIds, { maxTokens: 32, signal: controller.signal })) {
        seen.push(id);
        if (seen.length === 3) controller.abort();
      }
    });
    expect(error).toMatchObject({ code: 'CANCELLED' });
    expect(seen).toEqual(greedy.slice(0, 3));
  });

  test('the running cell’s signal is the default', async () => {
    const controller = new AbortController();
    const key = Symbol.for('hyperion.kernel');
    const host = globalThis as { [name: symbol]: unknown };
    host[key] = { signal: controller.signal };
    try {
      const work = session.generate(inputIds, { maxTokens: 200 }).text();
      setImmediate(() => controller.abort());
      expect(await errorOf(() => work)).toMatchObject({ code: 'CANCELLED' });
    } finally {
      delete host[key];
    }
  });
});

describe('one call at a time', () => {
  test('a second call while one runs is INVALID and does no harm', async () => {
    const first = session.forward(inputIds);
    expect(await errorOf(() => session.forward(inputIds))).toMatchObject({ code: 'INVALID' });
    expect(await errorOf(() => session.generate(inputIds).next())).toMatchObject({ code: 'INVALID' });
    expect(await errorOf(() => session.reset())).toMatchObject({ code: 'INVALID' });
    expect((await first).shape).toEqual([24, 512]);
  });
});

describe('closing', () => {
  test('is done once, in any order, and frees all memory', async () => {
    await session.forward(inputIds);
    session.close();
    session.close();
    await session.closed;
    expect(native().liveBytes()).toBe(0);
    model.close();
    model.close();
  });

  test('while it computes: the call ends, the memory is freed', async () => {
    const work = session.forward(Array.from({ length: 200 }, (_, i) => i));
    session.close();
    expect(await errorOf(() => work)).toMatchObject({ code: 'CLOSED' });
    await session.closed;
    expect(native().liveBytes()).toBe(0);
  });

  test('by `using` and `await using`', async () => {
    let inner: Session<Model>;
    {
      await using scoped = model.session();
      inner = scoped;
      await scoped.forward([1]);
    }
    expect(await errorOf(() => inner.memory)).toMatchObject({ code: 'CLOSED' });
    {
      using scoped = model.session();
      inner = scoped;
    }
    expect(await errorOf(() => inner.memory)).toMatchObject({ code: 'CLOSED' });
    await inner.closed;
  });

  test('after it, everything is CLOSED', async () => {
    const generation = session.generate(inputIds);
    const tensor = model.tensor('model.norm.weight');
    model.close();
    await session.closed;
    const uses: (() => unknown)[] = [
      () => session.forward([1]),
      () => session.generate([1]),
      () => generation.next(),
      () => session.memory,
      () => session.statistics,
      () => session.position,
      () => session.reset(),
      () => session.record(),
      () => model.session(),
      () => model.plan(),
      () => tensor.read(),
    ];
    for (const use of uses) expect((await errorOf(use)).code).toBe('CLOSED');
    expect(String(session)).toContain('closed');
  });
});

test('statistics count what was done', async () => {
  await session.generate(inputIds, { maxTokens: 3 }).text();
  const { tokens, position, bytesRead, loads, residentLayers, computeMs, prefillChunk, threads } =
    session.statistics;
  expect([tokens, position]).toEqual([26, 26]);
  expect(bytesRead).toBeGreaterThan(0);
  expect(loads).toBeGreaterThan(0);
  expect(computeMs).toBeGreaterThan(0);
  expect(prefillChunk).toBeGreaterThanOrEqual(8);
  expect(threads).toBeGreaterThanOrEqual(1);
  expect(model.layerNames).toEqual(expect.arrayContaining([...residentLayers]));
});

describe('rewind', () => {
  test('cuts the sequence, so that another can be appended, and gives memory back', async () => {
    const expected = await session.forward([1, 2, 5, 6]);
    await session.forward(Array.from({ length: 200 }, (_, i) => (i < 2 ? i + 1 : i)));
    const held = session.memory.byTag['kv-cache'];
    session.rewind(2);
    expect(session.position).toBe(2);
    expect(session.memory.byTag['kv-cache']).toBeLessThan(held / 2);
    const { data } = await session.forward([5, 6], { append: true });
    expect(sameBits(data, expected.data.subarray(2 * 512))).toBe(true);
  });

  test('to where the sequence has not been, or while a call runs, is INVALID', async () => {
    for (const position of [-1, 1, 0.5, Number.NaN, '0' as never])
      expect(await errorOf(() => session.rewind(position))).toMatchObject({ code: 'INVALID' });
    session.rewind(0);
    const work = session.forward(inputIds);
    expect(await errorOf(() => session.rewind(0))).toMatchObject({ code: 'INVALID' });
    await work;
  });

  test('ends a generation that runs on the session', async () => {
    const generation = session.generate(inputIds);
    await generation.next();
    session.rewind(3);
    expect(await errorOf(() => generation.next())).toMatchObject({ code: 'CANCELLED' });
    expect(session.position).toBe(3);
  });
});

test('a session that nobody names any more lives as long as its generation: it was closed during the pass', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const generation = model.session().generate(inputIds, { maxTokens: 8 });
  const batch = model.session().generateBatch([inputIds], { maxTokens: 8 });
  for (let index = 0; index < 8; index += 1) {
    for (const tokens of [generation, batch]) {
      await tokens.next();
      await new Promise(setImmediate);
      collect();
      await new Promise(setImmediate);
    }
  }
  expect(generation.result.ids).toEqual(greedy.slice(0, 8));
  expect(batch.results[0]!.ids).toEqual(greedy.slice(0, 8));
});
