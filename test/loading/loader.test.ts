/** The progressive loader as a user has it: layers in memory one by one, under a budget, and whatever can be asked wrongly. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jupyterDisplay } from '../../src/display';
import { type Model, openModel } from '../../src/inference/model';
import type { ProgressiveLoader } from '../../src/loading/loader';
import type { PinnedLayer } from '../../src/loading/pinned-layer';
import { native, POLICIES } from '../../src/native';
import { fixture } from '../support/fixtures';
import { errorOf } from '../support/temporary';

let model: Model;
let loader: ProgressiveLoader;

beforeEach(async () => {
  model = await openModel(fixture('llama'));
  loader = model.loader();
});
afterEach(async () => {
  model.close();
  await loader.closed;
  await expect.poll(() => native().liveBytes(), { timeout: 10_000 }).toBe(0);
});

/** The bytes of the largest layer and of all, as a loader holds them. */
function sizes() {
  const bytes = loader.layers.map((layer) => layer.bytes);
  return { largest: Math.max(...bytes), all: bytes.reduce((sum, size) => sum + size, 0) };
}

/** What the file says of every tensor, read another way; the model is the same in all tests. */
const truth = new Map<string, { bytes: Buffer; values: Buffer }>();

async function truthOf(name: string) {
  const known = truth.get(name);
  if (known) return known;
  const tensor = model.tensor(name);
  const made = { bytes: asBytes(await tensor.readBytes()), values: asBytes(await tensor.read()) };
  truth.set(name, made);
  return made;
}

async function expectTrue(layer: PinnedLayer): Promise<void> {
  for (const name of layer.tensors) {
    const tensor = layer.tensor(name);
    const { bytes, values } = await truthOf(name);
    expect(asBytes(tensor.data).equals(bytes)).toBe(true);
    expect(asBytes(await tensor.values()).equals(values)).toBe(true);
  }
}

function asBytes({ buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

describe('iterating', () => {
  test('layers come in the order of execution, pinned, with their tensors in place', async () => {
    const names: string[] = [];
    for await (const layer of loader) {
      names.push(layer.name);
      expect(layer.index).toBe(names.length - 1);
      expect(loader.layers[layer.index]).toMatchObject({ state: 'loaded', pinned: true });
      await expectTrue(layer);
    }
    expect(names).toEqual(model.layerNames);
    expect(loader.layers.some(({ pinned }) => pinned)).toBe(false);
    expect(loader.statistics).toMatchObject({ loads: names.length, evictions: 0 });
  });

  test.each(POLICIES)(
    'policy %s, under any budget: the same bytes, and never more than the budget',
    async (policy) => {
      const { largest, all } = sizes();
      for (const budget of [largest, Math.ceil((largest + all) / 2), all]) {
        for (const prefetch of [false, true]) {
          const small = model.loader({ budget, policy, prefetch });
          for (let pass = 0; pass < 3; pass += 1) for await (const layer of small) await expectTrue(layer);
          expect(small.memory.reservedPeak).toBeLessThanOrEqual(budget);
          expect(small.statistics.loads + small.statistics.evictions).toBeGreaterThan(0);
          if (budget === all) expect(small.statistics.loads).toBe(model.layers.length);
          small.close();
          await small.closed;
        }
      }
    },
  );

  test('with the layers that fit kept, a second pass reads the others alone', async () => {
    const { largest, all } = sizes();
    const kept = model.loader({ budget: all - largest / 2, prefetch: false });
    const forgetful = model.loader({ budget: all - largest / 2, prefetch: false, policy: 'lru' });
    for (const each of [kept, forgetful]) for (let pass = 0; pass < 4; pass += 1) for await (const _ of each);
    expect(kept.statistics.hits).toBeGreaterThan(forgetful.statistics.hits);
    expect(kept.statistics.bytesRead).toBeLessThan(forgetful.statistics.bytesRead);
  });

  test('an array over a layer is empty once the layer is no longer pinned', async () => {
    const arrays = [];
    for await (const layer of loader) arrays.push(layer.tensor(layer.tensors[0]!).data);
    expect(arrays.map(({ length }) => length)).toEqual(arrays.map(() => 0));
  });

  test('broken off, or thrown out of: the layer is let go, and the loader goes on', async () => {
    for await (const layer of loader) if (layer.index === 2) break;
    const thrown = await errorOf(async () => {
      for await (const layer of loader) if (layer.index === 3) throw new Error('enough');
    });
    expect(thrown.message).toBe('enough');
    expect(loader.layers.some(({ pinned }) => pinned)).toBe(false);
    await loader.load(0);
  });

  test('two at once share the layers; under the smallest budget the second is refused while the first goes on', async () => {
    const [one, two] = [loader.iterate(), loader.iterate()];
    for (let index = 0; index < model.layers.length; index += 1) {
      const [a, b] = [(await one.next()).value!, (await two.next()).value!];
      expect([a.index, b.index]).toEqual([index, index]);
      await expectTrue(b);
    }
    await Promise.all([one.return(), two.return()]);
    expect(loader.statistics.loads).toBe(model.layers.length);

    const small = model.loader({ budget: sizes().largest });
    const first = small.iterate();
    await first.next(); // the embedding, which is the largest
    const error = await errorOf(() => small.pin(1));
    expect(error).toMatchObject({ code: 'OVER_BUDGET' });
    expect(error.message).toMatch(
      /^layer .*: its .* do not fit beside those that stay: .*release a pinned layer/,
    );
    await small.setBudget(error.details.smallestBudgetBytes!);
    (await small.pin(1)).release();
    expect((await first.next()).value!.index).toBe(1);
    await first.return();
  });

  test('a signal ends it with CANCELLED', async () => {
    const controller = new AbortController();
    const error = await errorOf(async () => {
      for await (const layer of loader.iterate({ signal: controller.signal }))
        if (layer.index === 1) controller.abort();
    });
    expect(error.code).toBe('CANCELLED');
    expect(loader.layers.some(({ pinned }) => pinned)).toBe(false);
  });
});

describe('layers one by one', () => {
  test('load, unload, pin, clear: states follow', async () => {
    const name = model.layerNames[3]!;
    expect(loader.layers.map(({ state }) => state)).toEqual(model.layers.map(() => 'unloaded'));
    await loader.load(name);
    expect(loader.layers[3]).toMatchObject({ state: 'loaded', pinned: false, loads: 1 });
    expect(loader.layers[3]!.loadMs).toBeGreaterThan(0);
    expect(loader.layers[3]!.residentBytes).toBe(loader.layers[3]!.bytes);
    const pin = await loader.pin(3);
    expect(await errorOf(() => loader.unload(name))).toMatchObject({ code: 'INVALID' });
    await loader.clear();
    expect(loader.heldLayers).toEqual([name]);
    pin.release();
    pin.release();
    await loader.unload(3);
    expect(loader.layers[3]!.state).toBe('unloaded');
    await loader.unload(3);
    expect(loader.memory.current).toBe(0);
  });

  test('two pins of a layer are two: the bytes stay until the last of them goes', async () => {
    const [one, two] = [await loader.pin(1), await loader.pin(1)];
    const { data } = one.tensor(one.tensors[0]!);
    one.release();
    expect(data.length).toBeGreaterThan(0);
    await expectTrue(two);
    expect(await errorOf(() => one.tensor(one.tensors[0]!))).toMatchObject({ code: 'CLOSED' });
    two.release();
    expect(data.length).toBe(0);
  });

  test('values that are being read keep their layer, released or not', async () => {
    const layer = await loader.pin(0);
    const name = layer.tensors[0]!;
    const values = layer.tensor(name).values();
    layer.release();
    const cleared = loader.clear();
    expect(asBytes(await values).equals((await truthOf(name)).values)).toBe(true);
    await cleared;
  });

  test('preload brings layers together, tells of it, and refuses what does not fit before it reads', async () => {
    const told: [number, number][] = [];
    await loader.preload([5, 'norm', 0, 5], { onProgress: (done, total) => told.push([done, total]) });
    expect(loader.heldLayers).toEqual(
      expect.arrayContaining(['norm', model.layerNames[0], model.layerNames[5]]),
    );
    expect(told.length).toBe(3);
    expect(told.at(-1)![0]).toBe(told.at(-1)![1]);
    await loader.preload([]);
    const small = model.loader({ budget: sizes().largest });
    const error = await errorOf(() => small.preload(model.layerNames));
    expect(error).toMatchObject({ code: 'OVER_BUDGET', details: { smallestBudgetBytes: sizes().all } });
    expect(small.statistics.loads).toBe(0);
  });

  test('reads ahead when it may, and says so in the states', async () => {
    await loader.load(0);
    await expect.poll(() => loader.heldLayers.length).toBe(3);
    const plain = model.loader({ prefetch: false });
    await plain.load(0);
    expect(plain.layers.map(({ state }) => state).slice(1)).toEqual(
      model.layers.slice(1).map(() => 'unloaded'),
    );
  });

  test('unload: false gives nothing up by itself; memoryThreshold gives up what is done with', async () => {
    const { largest } = sizes();
    const manual = model.loader({ budget: largest * 2, prefetch: false, unload: false });
    const error = await errorOf(async () => {
      for await (const _ of manual);
    });
    expect(error).toMatchObject({ code: 'OVER_BUDGET' });
    expect(error.message).toMatch(/unload a layer, or leave `unload: false` out/);
    await manual.clear();
    await manual.load(model.layers.length - 1);

    const { all } = sizes();
    const thrifty = model.loader({ budget: 2 * all, prefetch: false, memoryThreshold: largest / (2 * all) });
    for await (const _ of thrifty);
    await expect.poll(() => thrifty.memory.reserved).toBeLessThanOrEqual(largest);
  });

  test('priorities: layers of a higher one stay', async () => {
    const { largest, all } = sizes();
    const by = model.loader({ policy: 'priority', budget: all - largest, prefetch: false });
    by.setPriority('norm', 2);
    by.setPriority(1, 1);
    for (let pass = 0; pass < 3; pass += 1) for await (const _ of by);
    expect(by.layers[1]).toMatchObject({ priority: 1, state: 'loaded', loads: 1 });
    expect(by.layers.find(({ name }) => name === 'norm')).toMatchObject({
      priority: 2,
      state: 'loaded',
      loads: 1,
    });
    const error = await errorOf(() => loader.setPriority(1, 1));
    expect(error).toMatchObject({ code: 'INVALID' });
    expect(error.message).toMatch(/has the policy 'cyclic', which knows no priorities/);
  });

  test('setBudget: layers give way at once, and not below what is pinned', async () => {
    const { largest, all } = sizes();
    await loader.preload(model.layerNames);
    await loader.setBudget(all - largest);
    expect(loader.memory.reserved).toBeLessThanOrEqual(all - largest);
    const pins = [await loader.pin(0), await loader.pin(1)];
    const held = loader.layers[0]!.bytes + loader.layers[1]!.bytes;
    const error = await errorOf(() => loader.setBudget(held - 1));
    expect(error).toMatchObject({ code: 'OVER_BUDGET', details: { smallestBudgetBytes: held } });
    expect(loader.budget).toBe(all - largest);
    for (const pin of pins) await expectTrue(pin);
    await loader.setBudget(error.details.smallestBudgetBytes!);
    for (const pin of pins) pin.release();
    expect(await errorOf(() => loader.setBudget(largest - 4096))).toMatchObject({
      details: { smallestBudgetBytes: largest },
    });
    await loader.setBudget(largest);
    for await (const layer of loader) await expectTrue(layer);
    await loader.setBudget('unlimited');
    expect(loader.budget).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('what it says of itself', () => {
  test('statistics add up', async () => {
    for await (const _ of loader) await new Promise((resolve) => setTimeout(resolve, 2));
    const { bytesRead, loads, hits, stalls, bandwidth, overlap, readingMs, computeMs } = loader.statistics;
    expect(hits + stalls).toBe(model.layers.length);
    expect(loads).toBe(model.layers.length);
    expect(bytesRead).toBeGreaterThanOrEqual(model.bytes);
    expect(readingMs).toBeGreaterThan(0);
    expect(bandwidth).toBeCloseTo((1000 * bytesRead) / readingMs);
    expect(overlap).toBeGreaterThanOrEqual(0);
    expect(overlap).toBeLessThanOrEqual(1);
    expect(computeMs).toBeGreaterThan(0);
    expect(loader.statistics.io).toMatch(/direct|buffered|uring/);
  });

  test('explain tells what stays and what streams, in figures and in words', async () => {
    const { largest, all } = sizes();
    const small = model.loader({ budget: all - largest, prefetch: false });
    expect(String(small.explain())).toContain('chooses what stays when it loads for the first time');
    for (let pass = 0; pass < 2; pass += 1) for await (const _ of small);
    const said = small.explain();
    expect(said.staysBytes + said.streamsBytes).toBe(all);
    expect(said.streamsBytes).toBeGreaterThan(0);
    expect(said.staysBytes).toBe(small.layers.reduce((sum, { staysBytes }) => sum + staysBytes, 0));
    expect(said.bound).toMatch(/reading|computing/);
    expect(String(said)).toMatch(/^budget .*\nstays .*%.*\nstreams .* in each pass/);
    expect(said[jupyterDisplay]()['text/html']).toContain('<table');
    for await (const _ of loader);
    expect(loader.explain()).toMatchObject({ streamsBytes: 0, bound: 'nothing is read' });
    expect(String(loader)).toContain('norm');
  });

  test('memory is on the books of the process, and what is pinned in the residency of the model', async () => {
    const { memoryStats } = await import('../../src/monitoring/memory-stats');
    const pin = await loader.pin(0);
    expect(memoryStats().holders.filter(({ kind }) => kind === 'loader').length).toBe(1);
    expect(loader.memory.byTag.weights).toBe(loader.memory.current);
    const tensor = (await model.residency()).tensors.find(({ name }) => name === pin.tensors[0]);
    expect(tensor!.cached).toBe(true);
    pin.release();
  });

  test('a session’s loading is told the same way', async () => {
    const { smallestBudgetBytes, workingSetBytes } = model.plan({ positions: 8 });
    const session = model.session({
      budget: Math.floor((smallestBudgetBytes + workingSetBytes) / 2),
      policy: 'priority',
    });
    session.loader.setPriority('norm', 3);
    await session.forward([1, 2, 3]);
    const { layers } = session.loader;
    expect(layers.map(({ name }) => name)).toEqual(model.layerNames);
    expect(layers.find(({ name }) => name === 'norm')!.priority).toBe(3);
    expect(layers.some(({ state }) => state === 'loaded')).toBe(true);
    expect(session.loader.statistics.bandwidth).toBeGreaterThan(0);
    expect(session.loader.explain().facts.budgetBytes).toBe(session.budget);
    session.close();
    expect(await errorOf(() => session.loader.layers)).toMatchObject({ code: 'CLOSED' });
    await session.closed;
  });
});

describe('asked wrongly', () => {
  test.each([
    [{ prefetchWindow: -1 }, /prefetchWindow is -1/],
    [{ prefetchWindow: 1025 }, /prefetchWindow is 1025/],
    [{ prefetch: 1 as never }, /prefetch is 1/],
    [{ adaptiveWindow: 'yes' as never }, /adaptiveWindow is 'yes'/],
    [{ readers: 0 }, /readers is 0; it must be a whole number from 1 to 64/],
    [{ readers: 1000 }, /readers is 1000/],
    [{ memoryThreshold: 0 }, /memoryThreshold is 0; it must be above 0, up to 1/],
    [{ memoryThreshold: 1.1 }, /memoryThreshold is 1.1/],
    [{ unload: 'no' as never }, /unload is 'no'/],
    [{ policy: 'belady' as never }, /policy is 'belady'/],
    [{ io: 'mmap' as never }, /io is 'mmap'; it must be one of auto, direct, uring, buffered/],
    [{ budget: 0 }, /budget 0/],
    [{ budget: 'much' }, /budget 'much' is not a size/],
    [{ strategy: 'greedy' as never }, /strategy is 'greedy'/],
  ])('%j', async (options, message) => {
    const error = await errorOf(() => model.loader(options));
    expect(error.code).toBe('INVALID');
    expect(error.message).toMatch(message);
  });

  test('a window larger than the model, and any number of readers, is as good as another', async () => {
    for (const options of [{ prefetchWindow: 1024 }, { readers: 64 }, { readers: 1, prefetchWindow: 7 }]) {
      const other = model.loader({ ...options, budget: sizes().largest * 2 });
      for await (const layer of other) await expectTrue(layer);
      other.close();
      await other.closed;
    }
  });

  test('a budget below the largest layer says so, and the one that it names works', async () => {
    for (const strategy of ['dynamic', 'pooled', 'static', 'hybrid'] as const) {
      const error = await errorOf(() => model.loader({ budget: 4096, strategy }));
      expect(error).toMatchObject({ code: 'OVER_BUDGET', details: { budgetBytes: 4096 } });
      const smallest = error.details.smallestBudgetBytes!;
      expect(smallest).toBeGreaterThanOrEqual(sizes().largest);
      expect(await errorOf(() => model.loader({ budget: smallest - 1, strategy }))).toMatchObject({
        code: 'OVER_BUDGET',
      });
      const small = model.loader({ budget: smallest, strategy });
      for (let pass = 0; pass < 2; pass += 1) for await (const layer of small) await expectTrue(layer);
      small.close();
      await small.closed;
    }
  });

  test('layers and tensors that there are not', async () => {
    const count = model.layers.length;
    for (const layer of [-1, count, 1.5, Number.NaN, 'layers.99', undefined as never]) {
      for (const call of [
        loader.load(layer),
        loader.pin(layer),
        loader.unload(layer),
        loader.preload([layer]),
      ])
        expect(await errorOf(() => call)).toMatchObject({ code: 'INVALID' });
      expect(await errorOf(() => loader.setPriority(layer, 1))).toMatchObject({ code: 'INVALID' });
    }
    expect((await errorOf(() => loader.load(count))).message).toBe(
      `there is no layer ${count}; the layers are numbered from 0 to ${count - 1}`,
    );
    const layer = await loader.pin(0);
    expect((await errorOf(() => layer.tensor('nothing'))).message).toMatch(
      /has no tensor 'nothing'; it has /,
    );
    layer.release();
    expect(await errorOf(() => loader.preload(3 as never))).toMatchObject({ code: 'INVALID' });
    expect(await errorOf(() => loader.setBudget(undefined as never))).toMatchObject({ code: 'INVALID' });
    expect(await errorOf(() => loader.load(0, { signal: 1 as never }))).toMatchObject({ code: 'INVALID' });
  });

  test('a signal that was given before, and one that is given meanwhile', async () => {
    expect(await errorOf(() => loader.load(0, { signal: AbortSignal.abort() }))).toMatchObject({
      code: 'CANCELLED',
    });
    const controller = new AbortController();
    const calls = model.layers.map((_, index) => errorOrNothing(loader.pin(index, controller)));
    controller.abort();
    const ends = await Promise.all(calls);
    for (const end of ends) expect(['CANCELLED', undefined]).toContain(end);
    expect(ends).toContain('CANCELLED');
    await loader.load(0);
  });

  test('after close everything is CLOSED; closing ends what runs and empties what was looked at', async () => {
    const layer = await loader.pin(0);
    const { data } = layer.tensor(layer.tensors[0]!);
    const calls = model.layers.map((_, index) => errorOrNothing(loader.load(index)));
    loader.close();
    loader.close();
    for (const end of await Promise.all(calls)) expect(['CLOSED', undefined]).toContain(end);
    expect(data.length).toBe(0);
    await loader.closed;
    expect(native().liveBytes()).toBe(0);
    layer.release();
    for (const call of [
      () => loader.load(0),
      () => loader.pin(0),
      () => loader.unload(0),
      () => loader.clear(),
      () => loader.preload([0]),
      () => loader.setBudget('1 GiB'),
      () => loader.layers,
      () => loader.statistics,
      () => loader.explain(),
      () => loader.memory,
      () => loader.budget,
      () => layer.tensor(layer.tensors[0]!),
      () => loader.iterate().next(),
    ])
      expect(await errorOf(call)).toMatchObject({ code: 'CLOSED' });
    expect(loader.heldLayers).toEqual([]);
    expect(String(loader)).toMatch(/: closed$/);
  });

  test('a model that is closed first closes its loaders, and makes none', async () => {
    const pin = await loader.pin(1);
    const { data } = pin.tensor(pin.tensors[0]!);
    const loading = errorOrNothing(loader.load(4));
    model.close();
    expect(['CLOSED', undefined]).toContain(await loading);
    expect(data.length).toBe(0);
    await loader.closed;
    expect(await errorOf(() => model.loader())).toMatchObject({ code: 'CLOSED' });
  });

  test('what is forgotten is given back', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await (async () => {
      await model.loader().pin(0);
    })();
    await expect
      .poll(
        () => {
          collect();
          return native().liveBytes();
        },
        { timeout: 10_000 },
      )
      .toBe(0);
  });
});

/** The code that a promise rejects with; undefined when it resolves. */
function errorOrNothing(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: { code: string }) => error.code,
  );
}
