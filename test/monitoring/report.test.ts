/** The memory report over what was planted: each leak, double free and hole is there by name, in every format. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  clearLeaks,
  createAllocator,
  createPool,
  enableMemoryTracking,
  memoryReport,
  openModel,
} from '../../src/index';
import { fixture } from '../support/fixtures';
import { errorOf, temporaryFolder } from '../support/temporary';

beforeEach(() => {
  enableMemoryTracking(true, { callSites: true });
});
afterEach(() => {
  enableMemoryTracking(false);
  clearLeaks();
});

test('a planted leak is reported with its holder, tag, size and call site', async () => {
  const cache = createPool({ size: '1 MiB', blockSize: '4 KiB', name: 'row cache' });
  cache.free(cache.allocate(100, { tag: 'returned' }));
  cache.allocate(3000, { tag: 'forgotten rows' });
  const line = new Error().stack!.split('\n')[1]!.match(/report\.test\.ts:(\d+)/)![1]!;
  cache.close();
  const { data } = await memoryReport();
  expect(data.leaks).toHaveLength(1);
  expect(data.leaks[0]).toMatchObject({
    holder: 'row cache',
    tag: 'forgotten rows',
    bytes: 3000,
    closed: true,
  });
  expect(data.leaks[0]!.callSite).toContain(`report.test.ts:${Number(line) - 1}:`);
  const text = await written('leak.txt');
  expect(text).toContain('forgotten rows');
  expect(text).toContain('row cache');
  const advice = data.advice.map(({ because }) => because).join('\n');
  expect(advice).toContain('forgotten rows in row cache');
});

test('a planted double free is reported with what was freed', async () => {
  using buffers = createAllocator({ strategy: 'dynamic', name: 'buffers' });
  const block = buffers.allocate(640, { tag: 'frame' });
  buffers.free(block);
  expect(() => buffers.free(block)).toThrow(/double free/);
  const { data } = await memoryReport();
  expect(data.misuses).toHaveLength(1);
  expect(data.misuses[0]).toMatchObject({ kind: 'double free', holder: 'buffers', tag: 'frame', bytes: 640 });
  expect(data.misuses[0]!.callSite).toContain('report.test.ts');
  expect(data.advice.map(({ title }) => title)).toContain('Correct what was refused as double free');
  expect(await written('misuse.txt')).toContain('double free');
});

test('a planted fragmentation pattern is reported, with the strategy that would avoid it', async () => {
  using heap = createAllocator({ strategy: 'static', initialPoolSize: '1 MiB', name: 'checkerboard' });
  const blocks = heap.allocateMany(new Array(1024).fill(1024));
  heap.freeMany(blocks.filter((_, index) => index % 2 === 0));
  const { data } = await memoryReport();
  const holder = data.holders.find(({ name }) => name === 'checkerboard')!;
  expect(holder.externalFragmentation).toBeGreaterThan(0.9);
  const map = data.fragmentation.find((one) => one.holder === 'checkerboard')!;
  expect(map.spans.filter(({ state }) => state === 'free').length).toBeGreaterThanOrEqual(511);
  const advice = data.advice.map(({ title, because, change }) => `${title} ${because} ${change}`).join('\n');
  expect(advice).toMatch(/pooled/);
  expect(advice).toMatch(/checkerboard/);
  expect(await written('fragmentation.txt')).toContain('checkerboard');
});

test('sizes, lifetimes, tags and the timeline are those of the blocks', async () => {
  using allocator = createAllocator({ strategy: 'pooled', name: 'work' });
  const kept = allocator.allocate(5000, { tag: 'kept' });
  for (let i = 0; i < 100; i += 1) allocator.free(allocator.allocate(100, { tag: 'short' }));
  const { data } = await memoryReport();
  expect(data.sizes).toEqual([
    { from: 64, to: 128, count: 100, bytes: 10_000 },
    { from: 4096, to: 8192, count: 1, bytes: 5000 },
  ]);
  expect(data.lifetimes.reduce((sum, { count }) => sum + count, 0)).toBe(100);
  expect(data.totals).toMatchObject({ newestFirstFrees: 100, currentBytes: 5000, liveBlocks: 1 });
  expect(data.byTag).toEqual([{ tag: 'kept', currentBytes: 5000, blocks: 1 }]);
  expect(data.largestBlocks[0]).toMatchObject({ holder: 'work', tag: 'kept', bytes: 5000 });
  const { samples } = data.timeline;
  expect(samples).toHaveLength(201);
  expect(Math.max(...samples.map(({ activeBytes }) => activeBytes))).toBe(5100);
  expect(samples.at(-1)!.activeBytes).toBe(5000);
  allocator.free(kept);
});

test('a session is a holder like the others, and no leak', async () => {
  const model = await openModel(fixture('llama'));
  const session = model.session({ budget: '2 MiB', strategy: 'hybrid' });
  await session.forward([1, 2, 3]);
  const { data } = await memoryReport();
  const holder = data.holders.find(({ kind }) => kind === 'session')!;
  expect(holder).toMatchObject({ strategy: 'hybrid', limitBytes: 2 * 2 ** 20 });
  expect(holder.currentBytes).toBe(session.memory.current);
  expect(data.byTag.map(({ tag }) => tag)).toEqual(
    expect.arrayContaining(['weights', 'kv-cache', 'activations']),
  );
  expect(data.leaks).toEqual([]);
  model.close();
  await session.closed;
});

test('the format is the name’s, and a file that cannot be written stays as it was', async () => {
  const folder = temporaryFolder();
  using pool = createPool({ size: 4096, blockSize: 64, name: '<b>&"pool"' });
  pool.allocate();
  for (const name of ['report.txt', 'report.json', 'report.html', 'REPORT.HTML']) {
    writeFileSync(join(folder, name), 'old');
    await memoryReport(join(folder, name));
    const text = readFileSync(join(folder, name), 'utf8');
    if (name.endsWith('json')) expect(JSON.parse(text).totals.liveBlocks).toBe(1);
    else if (name.toLowerCase().endsWith('html')) {
      expect(text).toMatch(/^<!doctype html>/i);
      expect(text).not.toContain('<b>&"pool"');
      expect(text).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
    } else expect(text).toContain('peak');
  }
  for (const path of ['report', 'report.pdf', '', 7])
    expect((await errorOf(() => memoryReport(join(folder, String(path))))).code).toBe('INVALID');
  const stays = join(folder, 'stays.txt');
  mkdirSync(stays);
  expect((await errorOf(() => memoryReport(stays))).code).toBe('IO');
  expect((await errorOf(() => memoryReport(join(folder, 'no', 'report.txt')))).code).toBe('IO');
});

async function written(name: string): Promise<string> {
  const path = join(temporaryFolder(), name);
  await memoryReport(path);
  return readFileSync(path, 'utf8');
}
