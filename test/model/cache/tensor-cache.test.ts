/** The cache of a mapped model through the public API: bounds, states, what is given up, and what monitoring sees. */
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type OpenOptions, openModel } from '../../../src/inference/model';
import { leaks } from '../../../src/monitoring/leaks';
import { memoryStats } from '../../../src/monitoring/memory-stats';
import { native } from '../../../src/native';
import { fixture } from '../../support/fixtures';
import { copyOf, errorOf } from '../../support/temporary';

const KIB = 1024;

const opened: Opened[] = [];

afterEach(async () => {
  for (const model of opened.splice(0)) model.close();
  // What is read when a model is closed is given back when the read ends.
  while (native().liveBytes() > 0) await new Promise(setImmediate);
  expect(memoryStats().holders).toEqual([]);
});

type Opened = Awaited<ReturnType<typeof openModel>>;

async function open(options: OpenOptions = {}, path = fixture('llama')): Promise<Opened> {
  const model = await openModel(path, options);
  opened.push(model);
  return model;
}

async function scan(model: Opened, passes: number): Promise<void> {
  for (let pass = 0; pass < passes; pass += 1) for (const layer of model.layers) await layer.load();
}

describe('layers', () => {
  test('say what they are, and what of them is cached', async () => {
    const model = await open({ prefetch: false });
    const layer = model.layers[1]!;
    expect(layer).toMatchObject({
      name: 'layers.0.attention',
      kind: 'attention',
      dtype: 'F32',
      state: 'on disk',
    });
    expect(layer.offset).toBe(
      Math.min(
        ...model.tensors.filter(({ name }) => layer.tensors.includes(name)).map(({ offset }) => offset),
      ),
    );
    expect([layer.accessCount, layer.lastAccess, layer.cachedBytes, layer.priority]).toEqual([0, null, 0, 1]);
    const before = performance.now();
    const loading = layer.load();
    expect(layer.state).toBe('loading');
    await loading;
    expect(layer).toMatchObject({ state: 'cached', accessCount: 1, cachedBytes: layer.bytes });
    expect(layer.lastAccess).toBeGreaterThanOrEqual(before);
    const view = await model.tensor(layer.tensors[0]!).view();
    layer.release();
    expect(layer.state).toBe('partly cached');
    view.close();
    layer.release();
    expect(layer).toMatchObject({ state: 'on disk', cachedBytes: 0, accessCount: 2 });
    expect(String(model.table())).toMatch(/layers.0.attention +attention .* on disk +2 /);
  });

  test('what is cached is what is in the file', async () => {
    const model = await open();
    await scan(model, 1);
    for (const { name } of model.tensors) {
      const view = await model.tensor(name).view();
      expect(view.data).toEqual(await model.tensor(name).read());
      view.close();
    }
    expect(model.cacheStatistics).toMatchObject({ evictions: 0, bytesRead: model.bytes });
  });

  test('a tied table is one entry of the cache, in two layers', async () => {
    const model = await open({ prefetch: false }, fixture('qwen2'));
    await model.layers[0]!.load();
    expect(model.layers.at(-1)!.cachedBytes).toBe(model.layers[0]!.bytes);
  });
});

describe('the bound', () => {
  test.each([200, 256, 400, 1200])('%d KiB hold, whatever is loaded', async (size) => {
    const model = await open({ maxCacheSize: size * KIB });
    for (let pass = 0; pass < 3; pass += 1)
      for (const layer of model.layers) {
        await layer.load();
        expect(memoryStats().reserved).toBeLessThanOrEqual(size * KIB);
      }
    expect(model.cacheStatistics.reserved).toBeLessThanOrEqual(size * KIB);
    expect(model.cacheStatistics.evictions > 0).toBe(size < 1200);
  });

  test('many loads at once are within it too', async () => {
    const model = await open({ maxCacheSize: '400 KiB' });
    const results = await Promise.allSettled(model.layers.map((layer) => layer.load()));
    expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(memoryStats().reserved).toBeLessThanOrEqual(400 * KIB);
    await scan(model, 1);
  });

  test('a tensor larger than it is refused with the way out', async () => {
    const model = await open({ maxCacheSize: '100 KiB' });
    const error = await errorOf(() => model.layers[0]!.load());
    expect(error).toMatchObject({
      code: 'OVER_BUDGET',
      details: { neededBytes: 128 * KIB, maxCacheBytes: 100 * KIB },
    });
    expect(error.message).toMatch(
      /128.0 KiB has no room in the cache: maxCacheSize is 100.0 KiB; open the model with a larger one/,
    );
  });

  test.each([
    [{ maxCacheSize: 0 }, /maxCacheSize 0 must be/],
    [{ prefetch: 1 as never }, /prefetch is 1; it must be true or false/],
    [{ prefetchThreads: 0 }, /prefetchThreads is 0/],
    [{ adaptiveCaching: 'yes' as never }, /adaptiveCaching is 'yes'/],
    [{ minLayerCacheSize: 'some' }, /minLayerCacheSize 'some' is not a size/],
  ])('%j is INVALID', async (options, message) => {
    expect(await errorOf(() => open(options))).toMatchObject({
      code: 'INVALID',
      message: expect.stringMatching(message),
    });
  });
});

describe('what is given up', () => {
  const options = { maxCacheSize: '600 KiB', prefetch: false };

  test('adaptive caching has hits on a scan that repeats, where LRU has next to none', async () => {
    const rate = async (adaptiveCaching: boolean) => {
      const model = await open({ ...options, adaptiveCaching, minLayerCacheSize: 1 });
      await scan(model, 12);
      const { hits, misses, policy, pattern } = model.cacheStatistics;
      return { rate: hits / (hits + misses), policy, pattern };
    };
    const [lru, adaptive] = [await rate(false), await rate(true)];
    expect(lru).toMatchObject({ policy: 'LRU', pattern: 'repeated' });
    expect(adaptive).toMatchObject({ policy: 'recurrence', pattern: 'repeated' });
    expect(lru.rate).toBeLessThan(0.05);
    expect(adaptive.rate).toBeGreaterThan(0.4);
  });

  test('low priorities go first', async () => {
    const model = await open(options);
    const [embedding, first] = model.layers;
    await embedding!.load();
    first!.priority = 0;
    expect(first!.priority).toBe(0);
    for (const layer of model.layers.slice(1)) await layer.load();
    expect(embedding!.state).toBe('on disk');
    embedding!.priority = 5;
    await scan(model, 2);
    expect(embedding!.state).toBe('cached');
  });

  test('the smallest tensors of each layer stay: minLayerCacheSize', async () => {
    const model = await open({ ...options, minLayerCacheSize: '1 KiB' });
    await scan(model, 2);
    const { misses } = model.cacheStatistics;
    for (const { name, bytes } of model.tensors) if (bytes <= KIB) (await model.tensor(name).view()).close();
    expect(model.cacheStatistics.misses).toBe(misses);
  });

  test('what the pattern says comes next is read ahead', async () => {
    const model = await open({ prefetchThreads: 4 });
    const names = model.tensors.map(({ name }) => name);
    const inOrder = model.layers.flatMap(({ tensors }) => tensors);
    expect(new Set(inOrder)).toEqual(new Set(names));
    for (const name of inOrder) (await model.tensor(name).view()).close();
    const { hits, misses, prefetches, pattern } = model.cacheStatistics;
    expect(pattern).toBe('sequential');
    expect(prefetches).toBeGreaterThan(names.length / 2);
    expect(hits).toBeGreaterThan(names.length / 2);
    expect(hits + misses).toBe(names.length);
  });
});

describe('ends and failures', () => {
  test('a file that is cut short is CORRUPT, and the cache goes on', async () => {
    const folder = copyOf('llama');
    const model = await open({}, folder);
    const { offset } = model.tensors.find(({ name }) => name === 'model.norm.weight')!;
    truncateSync(join(folder, 'model.safetensors'), offset);
    const results = await Promise.allSettled(model.layers.map((layer) => layer.load()));
    const failed = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []));
    expect(new Set(failed)).toEqual(new Set(['CORRUPT']));
    expect(failed.length).toBeLessThan(model.layers.length);
    expect(model.layers[0]!.state).toBe('cached');
  });

  test('closed while it reads, it gives everything back, and nothing has leaked', async () => {
    const model = await open();
    const loading = Promise.allSettled(model.layers.map((layer) => layer.load()));
    model.close();
    const results = await loading;
    for (const result of results) expect(result.status === 'rejected' && result.reason.code).toBe('CLOSED');
    expect(leaks().blocks).toEqual([]);
    expect((await errorOf(() => model.layers[0]!.load())).code).toBe('CLOSED');
  });

  test('monitoring counts it as a holder of weights', async () => {
    const model = await open({ prefetch: false });
    expect(memoryStats().holders).toEqual([]);
    await model.layers[0]!.load();
    const { holders, byTag } = memoryStats();
    expect(holders).toMatchObject([
      { kind: 'cache', name: 'cache of llama', current: 128 * KIB, liveBlocks: 1 },
    ]);
    expect(byTag).toMatchObject([{ tag: 'weights', current: 128 * KIB }]);
    model.close();
    expect(leaks().blocks).toEqual([]);
  });
});
