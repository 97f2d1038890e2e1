/** Allocators under each strategy, through the public API: what they promise, and what they refuse. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Allocator,
  type AllocatorConfig,
  createAllocator,
  createPool,
  memoryStats,
  STRATEGIES,
} from '../../src/index';
import { native } from '../../src/native';
import { random } from '../support/random';
import { errorOf } from '../support/temporary';

const CONFIGS: readonly [string, () => Allocator][] = [
  ...STRATEGIES.map((strategy): [string, () => Allocator] => [
    strategy,
    () =>
      createAllocator(
        strategy === 'static' ? { strategy, initialPoolSize: '8 MiB' } : ({ strategy } as AllocatorConfig),
      ),
  ]),
  ['hybrid, optimized', () => createAllocator({ strategy: 'hybrid', enableOptimization: true })],
  ['pool', () => createPool({ size: '16 MiB', blockSize: '16 KiB' })],
  ['growable pool', () => createPool({ size: '16 KiB', blockSize: '16 KiB', growable: true })],
  ['shared pool', () => createPool({ size: '16 MiB', blockSize: '16 KiB', threadSafe: true })],
];

describe.each(CONFIGS)('%s', (_, make) => {
  let allocator: Allocator;
  beforeEach(() => {
    allocator = make();
  });
  afterEach(() => {
    allocator.close();
    expect(native().liveBytes()).toBe(0);
    expect(native().processUsage().current).toBe(0);
  });

  test('blocks keep what is written into them, whatever is taken and given back around them', () => {
    const next = random(7);
    const live: { handle: number; bytes: number; mark: number }[] = [];
    for (let step = 0; step < 3000; step += 1) {
      if (live.length < 200 && next() < 0.6) {
        const bytes = 1 + Math.floor(next() ** 3 * 16384);
        const lifetime = next() < 0.3 ? 'lasting' : 'transient';
        const handle = allocator.allocate(bytes, { lifetime, tag: `tag ${step % 5}` });
        const mark = step % 251;
        if (bytes % 7 === 0) allocator.view(handle).fill(mark);
        live.push({ handle, bytes, mark });
      } else if (live.length > 0) {
        // The static strategy reuses room in reverse order.
        const index = allocator.strategy === 'static' ? live.length - 1 : Math.floor(next() * live.length);
        const [{ handle, bytes, mark }] = live.splice(index, 1) as [(typeof live)[number]];
        if (bytes % 7 === 0) expect(allocator.view(handle).every((byte) => byte === mark)).toBe(true);
        allocator.free(handle);
      }
    }
    const sum = live.reduce((total, { bytes }) => total + bytes, 0);
    expect(allocator.stats()).toMatchObject({ current: sum, liveBlocks: live.length });
    allocator.freeMany(live.reverse().map(({ handle }) => handle));
    expect(allocator.stats()).toMatchObject({ current: 0, liveBlocks: 0, active: 0 });
  });

  test('counters are exact', () => {
    const [first, second] = allocator.allocateMany([1000, 3000]) as unknown as [number, number];
    allocator.free(second);
    const third = allocator.allocate(500);
    const stats = allocator.stats();
    expect(stats).toMatchObject({ current: 1500, peak: 4000, totalAllocated: 4500 });
    expect(stats).toMatchObject({ allocations: 3, frees: 1, liveBlocks: 2 });
    expect(stats.active).toBeGreaterThanOrEqual(stats.current);
    expect(stats.reserved).toBeGreaterThanOrEqual(stats.active);
    expect(stats.reservedPeak).toBeGreaterThanOrEqual(stats.reserved);
    expect(memoryStats()).toMatchObject({ current: 1500, liveBlocks: 2, reserved: stats.reserved });
    allocator.free(third);
    allocator.free(first);
  });

  test('a freed block is refused, by what is wrong with it', async () => {
    const block = allocator.allocate(2000, { tag: 'once' });
    allocator.free(block);
    const twice = await errorOf(() => allocator.free(block));
    expect(twice.code).toBe('INVALID');
    expect(twice.message).toMatch(/^double free: a block of 2\.0 KiB tagged 'once' was freed before/);
    const again = allocator.allocate(100);
    expect((await errorOf(() => allocator.free(block))).message).toMatch(/^stale handle/);
    expect((await errorOf(() => allocator.view(block))).code).toBe('INVALID');
    allocator.free(again);
  });

  test('handles of others, and what is none, are refused', async () => {
    using other = createAllocator({ strategy: 'dynamic' });
    const foreign = other.allocate(64);
    const mine = allocator.allocate(64);
    for (const handle of [foreign, 0, -1, 1.5, Number.NaN, Infinity, 2 ** 53, '7', null, undefined, {}]) {
      const error = await errorOf(() => allocator.free(handle as number));
      expect([error.code, error.message]).toEqual(['INVALID', expect.stringMatching(/^foreign handle/)]);
    }
    expect(allocator.stats().liveBlocks).toBe(1);
    allocator.free(mine);
    other.free(foreign);
  });

  test('sizes and options out of range are refused before anything happens', async () => {
    const sizes = [0, -1, 1.5, Number.NaN, Infinity, 2 ** 53, '0', '-4 KiB', 'much', null, {}, true];
    for (const size of sizes)
      expect((await errorOf(() => allocator.allocate(size as never))).code, String(size)).toBe('INVALID');
    for (const alignment of [0, 3, -16, 1.5, 2 ** 22, '16'])
      expect((await errorOf(() => allocator.allocate(8, { alignment: alignment as never }))).code).toBe(
        'INVALID',
      );
    for (const options of [{ tag: '' }, { tag: 7 }, { lifetime: 'long' }])
      expect((await errorOf(() => allocator.allocate(8, options as never))).code).toBe('INVALID');
    expect((await errorOf(() => allocator.allocateMany([8, 0]))).code).toBe('INVALID');
    const huge = await errorOf(() => allocator.allocate(2 ** 52));
    expect(['OUT_OF_MEMORY', 'OVER_BUDGET', 'INVALID']).toContain(huge.code);
    expect(allocator.stats()).toMatchObject({ allocations: 0, current: 0 });
  });

  test('a view of a freed block is empty, and so are all after close', () => {
    const block = allocator.allocate(4096);
    const view = allocator.view(block, Float64Array);
    const other = allocator.view(block);
    view[0] = 1;
    expect(other[7]).toBe(0x3f);
    expect([view.length, other.length]).toEqual([512, 4096]);
    allocator.free(block);
    expect([view.length, other.length, other[7]]).toEqual([0, 0, undefined]);

    const views = [...allocator.allocateMany([100, 200])].map((handle) => allocator.view(handle));
    allocator.reset();
    expect(views.map(({ length }) => length)).toEqual([0, 0]);
    const last = allocator.view(allocator.allocate(64));
    allocator.close();
    expect(last.length).toBe(0);
  });

  test('a view cannot be taken to another thread', () => {
    const block = allocator.allocate(64);
    const view = allocator.view(block).fill(3);
    let copy = view;
    // Some versions of Node refuse to transfer it, others copy it instead.
    try {
      copy = structuredClone(view, { transfer: [view.buffer] });
    } catch {}
    expect(view.length).toBe(64);
    allocator.free(block);
    expect(view.length).toBe(0);
    expect(copy === view || copy.every((byte) => byte === 3)).toBe(true);
  });

  test('alignment is what was asked for', () => {
    for (let alignment = 1; alignment <= 4096; alignment *= 2) {
      const handle = allocator.allocate(48, { alignment });
      expect(allocator.liveBlocks().blocks[0]!.address % alignment).toBe(0);
      allocator.free(handle);
    }
  });

  test('reset frees all at once', () => {
    allocator.allocateMany([10, 20, 30]);
    allocator.reset();
    expect(allocator.stats()).toMatchObject({ current: 0, liveBlocks: 0, allocations: 3, frees: 3 });
    allocator.free(allocator.allocate(10));
  });

  test('after close everything is refused, and closing again does nothing', async () => {
    const block = allocator.allocate(64);
    allocator.close();
    allocator.close();
    for (const use of [
      () => allocator.allocate(64),
      () => allocator.allocateMany([64]),
      () => allocator.free(block),
      () => allocator.freeMany([block]),
      () => allocator.view(block),
      () => allocator.stats(),
      () => allocator.plot(),
      () => allocator.trim(),
      () => allocator.reset(),
      () => allocator.startTrace(),
      () => allocator.pushCounters('x'),
      () => allocator.setLimits({ limit: 1 }),
    ])
      expect((await errorOf(use)).code).toBe('CLOSED');
    expect(String(allocator)).toContain('closed');
  });

  test('phases have counters of their own', () => {
    const before = allocator.allocate(1000);
    allocator.pushCounters('outer');
    const outer = allocator.allocate(2000);
    allocator.pushCounters('inner');
    allocator.free(allocator.allocate(5000));
    expect(allocator.popCounters()).toMatchObject({ phase: 'inner', current: 0, peak: 5000, allocations: 1 });
    allocator.free(before);
    const counters = allocator.popCounters();
    expect(counters).toMatchObject({ phase: 'outer', current: 1000, peak: 7000, allocations: 2, frees: 2 });
    expect(allocator.stats()).toMatchObject({ current: 2000, peak: 8000 });
    expect(() => allocator.popCounters()).toThrow(/push/);
    allocator.free(outer);
  });
});

test('what is dropped without a close is given back when it is collected', async () => {
  const collect = await collector();
  for (let i = 0; i < 20; i += 1) createAllocator({ strategy: 'dynamic' }).allocate(2 ** 20);
  for (let i = 0; i < 100 && native().liveBytes() > 0; i += 1) {
    collect();
    await new Promise(setImmediate);
  }
  expect(native().liveBytes()).toBe(0);
});

test('a view pins its block when nobody holds the allocator any more', async () => {
  const collect = await collector();
  const viewOfDropped = () => {
    const allocator = createAllocator({ strategy: 'dynamic' });
    return allocator.view(allocator.allocate(64)).fill(9);
  };
  let view: Uint8Array | undefined = viewOfDropped();
  for (let i = 0; i < 20; i += 1) {
    collect();
    await new Promise(setImmediate);
  }
  expect(view.every((byte) => byte === 9) && view.length === 64).toBe(true);
  view = undefined;
  for (let i = 0; i < 100 && native().liveBytes() > 0; i += 1) {
    collect();
    await new Promise(setImmediate);
  }
  expect(native().liveBytes()).toBe(0);
});

describe('limits', () => {
  test('a limit bounds what blocks ask for, a budget what is held', async () => {
    using allocator = createAllocator({ strategy: 'dynamic', limit: 10_000, budget: '8 MiB' });
    const block = allocator.allocate(8000);
    const error = await errorOf(() => allocator.allocate(2001));
    expect(error.code).toBe('OVER_BUDGET');
    expect(error.details).toMatchObject({ neededBytes: 2001, limitBytes: 10_000, liveBytes: 8000 });
    allocator.setLimits({ limit: 'unlimited' });
    expect((await errorOf(() => allocator.allocate('9 MiB'))).code).toBe('OVER_BUDGET');
    allocator.free(block);
  });

  test('a limit below what is used is refused, and the old one stays', async () => {
    using allocator = createAllocator({ strategy: 'pooled', limit: '64 KiB' });
    const block = allocator.allocate('10 KiB');
    for (const limits of [{ limit: '9 KiB' }, { budget: 4096 }, { limit: 0 }, { budget: -1 }])
      expect((await errorOf(() => allocator.setLimits(limits))).code).toBe('INVALID');
    expect(allocator.stats()).toMatchObject({ limit: 65536, budget: Number.POSITIVE_INFINITY });
    allocator.free(block);
  });

  test('a refusal says what was asked, what is live, and the largest block that is left', async () => {
    using arena = createAllocator({ strategy: 'static', initialPoolSize: '64 KiB' });
    const blocks = arena.allocateMany([16384, 16384, 16384], { tag: 'rows' });
    arena.free(blocks[0]!);
    const { code, details, message } = await errorOf(() => arena.allocate('32 KiB'));
    expect(code).toBe('OUT_OF_MEMORY');
    expect(details).toMatchObject({ neededBytes: 32768, liveBytes: 32768, liveBlocks: 2, rowsBytes: 32768 });
    expect(details).toMatchObject({ largestFreeBytes: 16384, fittingBytes: 16384, unusedBytes: 32768 });
    expect(details.externalFragmentation).toBe(0.5);
    arena.allocate(details.fittingBytes!);
    expect(message).toMatch(/initialPoolSize|reverse/);
  });

  test('allocateMany takes all blocks or none', async () => {
    using pool = createPool({ size: 4096, blockSize: 1024 });
    expect((await errorOf(() => pool.allocateMany(5))).code).toBe('OUT_OF_MEMORY');
    expect(pool.stats()).toMatchObject({ liveBlocks: 0, current: 0 });
    expect(pool.allocateMany(4).length).toBe(4);
  });

  test('a callback makes room, and the request is tried again', async () => {
    using pool = createPool({ size: 4096, blockSize: 1024 });
    const cached = [...pool.allocateMany(4)];
    const asked: number[] = [];
    pool.onFailure(({ bytes, attempt }) => {
      asked.push(attempt, bytes);
      const evicted = cached.pop();
      if (evicted !== undefined) pool.free(evicted);
      return evicted !== undefined;
    });
    const block = pool.allocate();
    expect(asked).toEqual([1, 1024]);
    expect(cached.length).toBe(3);
    pool.onFailure(() => true); // makes no room: it is not asked for ever
    expect((await errorOf(() => pool.allocate())).code).toBe('OUT_OF_MEMORY');
    pool.free(block);
  });
});

test('options of another strategy, and unknown ones, are refused by name', async () => {
  const bad: [unknown, RegExp][] = [
    [{ strategy: 'static', blockSize: 4096 }, /blockSize is not an option of the static strategy/],
    [{ strategy: 'pooled', enableOptimization: true }, /enableOptimization is not an option of the pooled/],
    [{ strategy: 'pooled', blockSize: 100 }, /blockSize is 100/],
    [{ strategy: 'fixed' }, /strategy is 'fixed'; it must be one of static, pooled, dynamic, hybrid/],
    [{}, /strategy is undefined/],
    [{ strategy: 'static', initialPoolSize: 'huge' }, /initialPoolSize 'huge' is not a size/],
    [{ strategy: 'hybrid', enableOptimization: 'yes' }, /enableOptimization is 'yes'/],
    [{ strategy: 'dynamic', trackAllocations: 1 }, /trackAllocations is 1/],
    [{ strategy: 'dynamic', budget: '4 KB less' }, /budget/],
  ];
  for (const [config, message] of bad) {
    const error = await errorOf(() => createAllocator(config as AllocatorConfig));
    expect([error.code, error.message]).toEqual(['INVALID', expect.stringMatching(message)]);
  }
  expect(native().liveBytes()).toBe(0);
});

test('pools that cannot be are refused', async () => {
  const bad: [object, RegExp][] = [
    [{ size: 1000, blockSize: 2000 }, /blockSize is 2000 bytes and the pool's size 1000/],
    [{ size: 0, blockSize: 16 }, /size/],
    [{ size: 4096, blockSize: 1.5 }, /1\.5/],
    [{ size: 4096, blockSize: 64, growable: 'yes' }, /growable is 'yes'/],
    [{ size: 4096 }, /size is undefined/],
  ];
  for (const [config, message] of bad) {
    const error = await errorOf(() => createPool(config as never));
    expect([error.code, error.message]).toEqual(['INVALID', expect.stringMatching(message)]);
  }
  using pool = createPool({ size: 4096, blockSize: 1024 });
  const larger = await errorOf(() => pool.allocate(1025));
  expect(larger.message).toMatch(/block/);
});

test('a block in a using is freed at the end of its scope, also when its allocator went first', () => {
  const pool = createPool({ size: 4096, blockSize: 1024 });
  {
    using block = pool.block();
    block.view(Int32Array)[0] = 5;
    expect(pool.stats().liveBlocks).toBe(1);
  }
  expect(pool.stats().liveBlocks).toBe(0);
  {
    using _late = pool.block(10);
    pool.close();
  }
});

test('the hybrid strategy chooses its pools by what it saw, and says so', () => {
  using allocator = createAllocator({ strategy: 'hybrid', enableOptimization: true });
  for (let i = 0; i < 3000; i += 1) allocator.free(allocator.allocate(i % 3 === 0 ? 1040 : 200));
  const report = allocator.optimize();
  expect(report.after.map(({ blockSize }) => blockSize)).toEqual(expect.arrayContaining([208, 1040]));
  expect(report.internalAfter).toBeLessThan(report.internalBefore);
  expect(String(report)).toContain('internal fragmentation');
});

test('only the hybrid strategy optimizes', async () => {
  using allocator = createAllocator({ strategy: 'dynamic' });
  expect((await errorOf(() => allocator.optimize())).code).toBe('INVALID');
});

async function collector(): Promise<() => void> {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
