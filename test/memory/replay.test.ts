/** Traces, kept and replayed: they predict to the byte what was measured, and other strategies beside it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AllocationTrace, type Allocator, createAllocator, createPool, replay } from '../../src/index';
import { native } from '../../src/native';
import { random } from '../support/random';
import { errorOf, temporaryFolder } from '../support/temporary';

/** Blocks of many sizes that come and go. */
function work(allocator: Allocator, steps = 4000): void {
  const next = random(11);
  const live: number[] = [];
  for (let step = 0; step < steps; step += 1) {
    if (live.length < 100 && next() < 0.55) {
      const lifetime = next() < 0.2 ? 'lasting' : 'transient';
      live.push(allocator.allocate(1 + Math.floor(next() ** 4 * 60_000), { lifetime, tag: 'work' }));
    } else if (live.length > 0) {
      allocator.free(live.splice(Math.floor(next() * live.length), 1)[0]!);
    }
  }
}

const ALLOCATORS: Readonly<Record<string, () => Allocator>> = {
  static: () => createAllocator({ strategy: 'static', initialPoolSize: '400 MiB' }),
  pooled: () => createAllocator({ strategy: 'pooled', blockSize: 512, initialPoolSize: '256 KiB' }),
  dynamic: () => createAllocator({ strategy: 'dynamic', limit: '1 GiB' }),
  hybrid: () => createAllocator({ strategy: 'hybrid' }),
  'hybrid, optimized': () => createAllocator({ strategy: 'hybrid', enableOptimization: true }),
  pool: () => createPool({ size: '64 KiB', blockSize: '64 KiB', growable: true }),
};

describe.each(Object.entries(ALLOCATORS))('%s', (_, make) => {
  test('a replay of a trace has the peaks that were measured', async () => {
    using allocator = make();
    allocator.startTrace();
    work(allocator);
    const { peak, reservedPeak } = allocator.stats();
    const { rows, lowerBound } = await replay(allocator.stopTrace());
    expect(lowerBound).toBe(peak);
    expect(rows[0]).toMatchObject({ reservedPeak, failure: null });
    expect(rows[0]!.nanosecondsPerOperation).toBeGreaterThan(0);
  });
});

test('a trace goes to a file and comes back the same', async () => {
  using allocator = createAllocator({ strategy: 'pooled', budget: '64 MiB' });
  allocator.startTrace();
  work(allocator, 500);
  const trace = allocator.stopTrace();
  const path = join(temporaryFolder(), 'work.trace');
  await trace.save(path);
  const loaded = await AllocationTrace.load(path);
  expect([...loaded.events]).toEqual([...trace.events]);
  expect(loaded).toMatchObject({ name: trace.name, config: trace.config });
  expect((await replay(path)).rows[0]!.reservedPeak).toBe(allocator.stats().reservedPeak);
  expect(String(loaded)).toContain('work');
});

test('blocks that were live before the trace are its first events', async () => {
  using allocator = createAllocator({ strategy: 'dynamic' });
  const old = allocator.allocateMany([100, 200, 300]);
  allocator.startTrace();
  allocator.free(old[1]!);
  const trace = allocator.stopTrace();
  expect(trace.length).toBe(4);
  expect((await replay(trace)).lowerBound).toBe(600);
});

test('the strategies are compared, and one in which the trace does not fit says so', async () => {
  using allocator = createAllocator({ strategy: 'dynamic' });
  allocator.startTrace();
  work(allocator);
  const result = await replay(allocator.stopTrace(), {
    strategies: [
      'pooled',
      { strategy: 'pooled', blockSize: 65536 },
      { strategy: 'static', initialPoolSize: 4096 },
    ],
  });
  const [small, large, arena] = result.rows;
  expect(large!.internalFragmentation).toBeGreaterThan(small!.internalFragmentation);
  expect(arena!.failure).toMatch(/initialPoolSize/);
  for (const row of result.rows.slice(0, 2))
    expect(row.reservedPeak).toBeGreaterThanOrEqual(result.lowerBound);
  expect(String(result)).toContain('static (4.0 KiB)');
  expect(result.plot().spec.data.length).toBeGreaterThan(0);
  expect(native().liveBytes()).toBe(allocator.stats().reserved);
});

test('what is no trace is refused, with the line', async () => {
  const folder = temporaryFolder();
  using allocator = createAllocator({ strategy: 'dynamic' });
  allocator.startTrace();
  allocator.free(allocator.allocate(64));
  const path = join(folder, 'good.trace');
  await allocator.stopTrace().save(path);
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const bad: [string, string, RegExp][] = [
    ['empty', '', /line 1/],
    ['json', '{', /line 1 .* is not JSON/],
    ['other', '{"format":"other","version":1}', /not a trace of format hyperion-trace 1/],
    ['version', lines[0]!.replace('"version":1', '"version":9'), /not a trace/],
    ['short', `${lines[0]}\n[1,0,1]`, /line 2/],
    ['kind', `${lines[0]}\n[1,9,1,64,16,16,0]`, /line 2/],
    ['negative', `${lines[0]}\n[1,0,1,-64,16,16,0]`, /line 2/],
    ['text', `${lines[0]}\n[1,0,1,"64",16,16,0]`, /line 2/],
  ];
  for (const [name, text, message] of bad) {
    const file = join(folder, name);
    writeFileSync(file, text);
    const error = await errorOf(() => AllocationTrace.load(file));
    expect([name, error.code, error.message]).toEqual([name, 'BAD_FORMAT', expect.stringMatching(message)]);
  }
  expect((await errorOf(() => AllocationTrace.load(join(folder, 'none')))).code).toBe('IO');
  expect((await errorOf(() => replay(7 as never))).code).toBe('INVALID');

  const impossible = [
    '[1,1,1,64,16,16,0]', // frees what was never there
    '[1,0,1,0,16,16,0]', // no bytes
    '[1,0,1,64,3,16,0]', // an alignment that is no power of two
    '[1,0,1,64,16,16,0]\n[2,0,1,64,16,16,0]', // the same block twice
  ];
  for (const events of impossible) {
    writeFileSync(path, `${lines[0]}\n${events}\n`);
    expect((await errorOf(() => replay(path))).code, events).toBe('INVALID');
  }
});

test('a trace that is not begun cannot be ended', async () => {
  using allocator = createAllocator({ strategy: 'dynamic' });
  expect((await errorOf(() => allocator.stopTrace())).code).toBe('INVALID');
});

test('saving over a file that cannot be replaced leaves it', async () => {
  using allocator = createAllocator({ strategy: 'dynamic' });
  allocator.startTrace();
  const trace = allocator.stopTrace();
  const folder = temporaryFolder();
  expect((await errorOf(() => trace.save(folder))).code).toBe('IO');
  expect((await errorOf(() => trace.save(join(folder, 'no', 'such')))).code).toBe('IO');
});
