/** Arguments that cannot be: each has its code and a sentence that names it, leaves no memory, and harms nothing. */
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Model, openModel } from '../../src/inference/model';
import type { GenerateOptions, SessionOptions } from '../../src/inference/options';
import { native } from '../../src/native';
import { expected, fixture } from '../support/fixtures';
import { copyOf, errorOf } from '../support/temporary';

let model: Model;

beforeEach(async () => {
  model = await openModel(fixture('llama'));
});
afterEach(async () => {
  model.close();
  while (native().liveBytes() > 0) await new Promise(setImmediate);
});

describe('prompts', () => {
  test.each([
    ['an empty text', '', /the prompt is empty/],
    ['no ids', [], /the prompt is empty/],
    ['an id below 0', [1, -1], /token -1 at index 1 is not in the vocabulary; ids are from 0 to 511/],
    ['an id at the end of the vocabulary', [512], /token 512 at index 0/],
    ['an id beyond 32 bits', [2 ** 32], /token 4294967296 at index 0/],
    ['a fraction', [1.5], /token 1.5 at index 0/],
    ['not a number', [Number.NaN], /token NaN at index 0/],
    ['text among ids', ['1'], /token 1 at index 0/],
    ['nothing', undefined, /the prompt is undefined; it must be text or a list/],
    ['a number', 7, /the prompt is 7/],
    ['null', null, /the prompt is null/],
  ])('%s', async (_, prompt, message) => {
    const session = model.session();
    const before = session.memory.totalAllocated;
    for (const call of [() => session.generate(prompt as string), () => session.forward(prompt as string)]) {
      const error = await errorOf(call);
      expect(error.code).toBe('INVALID');
      expect(error.message).toMatch(message);
    }
    expect(session.memory.totalAllocated).toBe(before);
  });

  test('longer than the context', async () => {
    const session = model.session();
    const long = new Array(257).fill(1);
    expect(await errorOf(() => session.forward(long))).toMatchObject({
      code: 'INVALID',
      message: '257 tokens exceed the context of 256; leave out 1',
    });
    expect(await errorOf(() => session.generate(long))).toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('257 tokens exceed the context of 256'),
    });
    await session.forward(new Array(250).fill(1));
    expect(await errorOf(() => session.forward(new Array(7).fill(1), { append: true }))).toMatchObject({
      code: 'INVALID',
    });
    expect(session.position).toBe(250);
  });
});

describe('options of a generation', () => {
  const cases: [GenerateOptions, RegExp][] = [
    [{ maxTokens: 0 }, /maxTokens is 0; it must be a whole number from 1/],
    [{ maxTokens: -1 }, /maxTokens is -1/],
    [{ maxTokens: 1.5 }, /maxTokens is 1.5/],
    [{ maxTokens: '5' as never }, /maxTokens is '5'/],
    [{ maxTokens: 300 }, /maxTokens can be 254/],
    [{ temperature: -0.1 }, /temperature is -0.1; it must be a number from 0/],
    [{ temperature: Number.NaN }, /temperature is NaN/],
    [{ topK: 0 }, /topK is 0/],
    [{ topP: 0 }, /topP is 0; it must be above 0/],
    [{ topP: 1.1 }, /topP is 1.1/],
    [{ seed: -1 }, /seed is -1/],
    [{ seed: 2 ** 53 }, /seed is 9007199254740992/],
    [{ signal: {} as never }, /signal is not an AbortSignal/],
    [{ stop: [''] }, /stop is \[""\]/],
    [{ stop: 'END' as never }, /stop is "END"/],
  ];
  test.each(cases)('%j', async (options, message) => {
    const error = await errorOf(() => model.session().generate([1, 2, 3], options));
    expect(error.code).toBe('INVALID');
    expect(error.message).toMatch(message);
  });
});

describe('options of a session', () => {
  const cases: [SessionOptions, RegExp][] = [
    [{ budget: 0 }, /budget 0 must be from 1 byte/],
    [{ budget: -1 }, /budget -1 must be/],
    [{ budget: '0 MiB' }, /budget '0 MiB' must be/],
    [{ budget: '-5 MiB' }, /budget '-5 MiB' is not a size/],
    [{ budget: 'much' }, /budget 'much' is not a size; write it like '512 MiB'/],
    [{ budget: Number.NaN }, /budget NaN is not a size/],
    [{ budget: null as never }, /budget null is not a size/],
    [{ threads: 0 }, /threads is 0; it must be a whole number from 1 to 256/],
    [{ threads: 1.5 }, /threads is 1.5/],
    [{ prefetchWindow: -1 }, /prefetchWindow is -1/],
    [{ kv: 'int4' as 'int8' }, /kv is 'int4'/],
    [{ policy: 'belady' as 'lru' }, /policy is 'belady'; it must be one of cyclic, lru, mfu, fifo, priority/],
    [{ adaptiveWindow: 1 as never }, /adaptiveWindow is 1; it must be true or false/],
    [{ readers: 0 }, /readers is 0/],
    [{ io: 'pigeon' as never }, /io is 'pigeon'; it must be one of auto, direct, uring, buffered, mmap/],
    [
      { io: 'mmap', strategy: 'static' },
      /io is 'mmap', whose weights cannot lie in the pool of a static strategy/,
    ],
    [{ activations: 'bf16' as never }, /activations is 'bf16'; it must be one of auto, f32/],
  ];
  test.each(cases)('%j', async (options, message) => {
    for (const call of [() => model.session(options), () => model.plan(options)]) {
      const error = await errorOf(call);
      expect(error.code).toBe('INVALID');
      expect(error.message).toMatch(message);
    }
    expect(native().liveBytes()).toBe(0);
  });

  test('positions of a plan', async () => {
    for (const positions of [0, 257, 1.5]) {
      expect(await errorOf(() => model.plan({ positions }))).toMatchObject({ code: 'INVALID' });
    }
  });
});

describe('a budget that is too small', () => {
  test.each(['llama', 'llama-256', 'mistral-sharded', 'qwen2'])(
    '%s: the smallest one is told, and works',
    async (name) => {
      const { inputIds, greedy } = expected(name);
      const small = await openModel(fixture(name));
      const error = await errorOf(() => small.session({ budget: 4096 }));
      expect(error).toMatchObject({ code: 'OVER_BUDGET', details: { budgetBytes: 4096 } });
      expect(error.message).toMatch(/needs .*, the budget is 4\.0 KiB; smallest feasible budget: /);
      const { smallestBudgetBytes } = error.details;
      expect(native().liveBytes()).toBe(0);

      expect((await errorOf(() => small.session({ budget: smallestBudgetBytes! - 1 }))).code).toBe(
        'OVER_BUDGET',
      );
      const session = small.session({ budget: smallestBudgetBytes });
      expect((await session.forward([1])).shape).toEqual([1, 512]);

      // More tokens need more: that is told before any work, by the same means.
      const longer = await errorOf(() => session.generate(inputIds, { maxTokens: 200 }));
      const before = session.memory.totalAllocated;
      expect(longer.code).toBe('OVER_BUDGET');
      expect(session.memory.totalAllocated).toBe(before);
      const enough = small.session({ budget: longer.details.smallestBudgetBytes });
      const generation = enough.generate(inputIds, { maxTokens: 200 });
      await generation.text();
      expect(generation.result.ids.slice(0, greedy.length)).toEqual(greedy);
      expect(enough.memory.peak).toBeLessThanOrEqual(enough.budget);
      small.close();
    },
  );
});

test('a file cut short while it is open is told by its name; the session can still be closed', async () => {
  const folder = copyOf('llama');
  const damaged = await openModel(folder);
  const session = damaged.session({ budget: damaged.plan({ positions: 8 }).smallestBudgetBytes });
  await session.forward([1, 2, 3]);
  truncateSync(join(folder, 'model.safetensors'), 50_000);
  const error = await errorOf(() => session.forward([1, 2, 3]));
  expect(error.code).toBe('CORRUPT');
  expect(error.message).toContain(join(folder, 'model.safetensors'));
  expect((await errorOf(() => damaged.tensor('model.norm.weight').read())).code).toBe('CORRUPT');
  damaged.close();
  await session.closed;
  expect(native().liveBytes()).toBe(0);
});

test('a tensor that is not there', async () => {
  expect(await errorOf(() => model.tensor('nothing'))).toMatchObject({
    code: 'INVALID',
    message: "llama has no tensor 'nothing'; model.tensors lists them",
  });
});
