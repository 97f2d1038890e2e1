/** Statistics, snapshots, leaks and what tracking adds, over allocators, pools and sessions together. */
import { afterEach, expect, test } from 'vitest';
import {
  clearLeaks,
  createAllocator,
  createPool,
  diff,
  enableMemoryTracking,
  leaks,
  memoryStats,
  openModel,
  snapshot,
} from '../../src/index';
import { native } from '../../src/native';
import { fixture } from '../support/fixtures';
import { errorOf } from '../support/temporary';

afterEach(() => {
  enableMemoryTracking(false);
  clearLeaks();
});

test('statistics add up over all holders, and the peak is the process’s own', async () => {
  const model = await openModel(fixture('llama'));
  const session = model.session();
  await session.forward([1, 2, 3]);
  using first = createPool({ size: 65536, blockSize: 1024 });
  {
    using second = createAllocator({ strategy: 'dynamic' });
    second.free(second.allocate(50_000_000));
  }
  first.allocate(1000, { tag: 'row' });
  const stats = memoryStats();
  expect(stats.current).toBe(session.memory.current + 1000);
  expect(stats.current).toBe(stats.holders.reduce((sum, { current }) => sum + current, 0));
  expect(stats.peak).toBeGreaterThanOrEqual(50_000_000 + session.memory.current);
  expect(stats.totalAllocated).toBeGreaterThanOrEqual(50_001_000 + session.memory.totalAllocated);
  expect(stats.reserved).toBe(native().liveBytes());
  expect(stats.allocations - stats.frees).toBe(stats.liveBlocks);
  expect(stats.byTag.find(({ tag }) => tag === 'row')).toEqual({ tag: 'row', current: 1000, blocks: 1 });
  expect(stats.byTag.reduce((sum, { current }) => sum + current, 0)).toBe(stats.current);
  const frame = await stats.toDataFrame();
  expect(frame.shape[0]).toBe(2);
  expect(frame.columns).toEqual(
    expect.arrayContaining(['name', 'strategy', 'current', 'externalFragmentation']),
  );
  model.close();
  await session.closed;
});

test('the four figures of fragmentation are those of their definitions', () => {
  using arena = createAllocator({ strategy: 'static', initialPoolSize: 65536 });
  const blocks = arena.allocateMany([16384, 16384, 16384]);
  arena.free(blocks[1]!);
  const stats = arena.stats();
  // 65536 reserved, 32768 live: 16384 free in the gap, 16384 in the hole.
  expect(stats.externalFragmentation).toBeCloseTo(1 - 16384 / 32768);
  expect(stats.internalFragmentation).toBe(0);
  expect(stats.reservedPerActive).toBe(2);
  expect(stats.peakPerLowerBound).toBeCloseTo(65536 / 49152);
  using pool = createPool({ size: 65536, blockSize: 4096 });
  pool.allocate(3072);
  expect(pool.stats().internalFragmentation).toBe(0.25);
  expect(pool.stats().externalFragmentation).toBe(0);
});

test('a difference of snapshots has what was added, what was freed, and what came and went', async () => {
  using pool = createPool({ size: 65536, blockSize: 1024, name: 'pool' });
  const old = pool.allocate(100, { tag: 'old' });
  const before = snapshot();
  pool.free(old);
  pool.free(pool.allocate());
  pool.allocate(200, { tag: 'new' });
  const after = snapshot();
  const change = diff(before, after);
  expect(change).toMatchObject({ current: 100, reserved: 0, allocations: 2, frees: 2 });
  expect(change.added.blocks.map(({ tag, bytes }) => [tag, bytes])).toEqual([['new', 200]]);
  expect(change.freed.blocks.map(({ tag, bytes }) => [tag, bytes])).toEqual([['old', 100]]);
  expect(String(change)).toMatch(/\+100 B in live blocks; 2 allocations, 2 frees/);
  expect((await errorOf(() => diff(after, before))).code).toBe('INVALID');
  expect((await errorOf(() => diff({} as never, after))).code).toBe('INVALID');
});

test('leaks are what is live in allocators and pools, and what was when they closed', () => {
  using pool = createPool({ size: 65536, blockSize: 1024 });
  pool.allocate(10, { tag: 'before' });
  const start = snapshot();
  const kept = pool.allocate(20, { tag: 'live' });
  const closed = createAllocator({ strategy: 'dynamic' });
  closed.allocate(30, { tag: 'closed' });
  closed.free(closed.allocate(40));
  closed.close();
  expect(leaks({ since: start }).blocks.map(({ tag, closed }) => [tag, closed])).toEqual([
    ['closed', true],
    ['live', false],
  ]);
  expect(leaks().bytes).toBe(60);
  pool.free(kept);
  clearLeaks();
  expect(leaks({ since: start }).blocks).toEqual([]);
});

test('times and call sites are there while they are asked for', async () => {
  using pool = createPool({ size: 65536, blockSize: 1024 });
  pool.allocate();
  enableMemoryTracking(true);
  const began = performance.now();
  pool.allocate();
  enableMemoryTracking(true, { callSites: true });
  pool.allocateMany(2);
  const [untracked, timed, placed] = pool.liveBlocks().blocks;
  expect(untracked).toMatchObject({ allocatedMs: null, callSite: null });
  expect(Math.abs(timed!.allocatedMs! - began)).toBeLessThan(60_000);
  expect(timed!.callSite).toBeNull();
  expect(placed!.callSite).toContain('tracking.test.ts');
  enableMemoryTracking(false);
  expect(pool.liveBlocks().blocks.every(({ callSite }) => callSite === null)).toBe(true);
  expect((await errorOf(() => enableMemoryTracking('yes' as never))).code).toBe('INVALID');
  expect((await errorOf(() => enableMemoryTracking(true, { callSites: 1 as never }))).code).toBe('INVALID');
});

test('one allocator can be tracked by itself', () => {
  using own = createAllocator({ strategy: 'dynamic', trackAllocations: true });
  using other = createAllocator({ strategy: 'dynamic' });
  own.allocate(10);
  other.allocate(10);
  expect(own.liveBlocks().blocks[0]!.allocatedMs).not.toBeNull();
  expect(other.liveBlocks().blocks[0]!.allocatedMs).toBeNull();
});
