/** Each call and structure of the guide's C interface in its TypeScript form. The table in README maps the same. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  createAllocator,
  createPool,
  type DynamicConfig,
  enableMemoryTracking,
  type HybridConfig,
  memoryReport,
  memoryStats,
  type PooledConfig,
  type StaticConfig,
} from '../../src/index';
import { temporaryFolder } from '../support/temporary';

const MIB = 2 ** 20;

describe('HyperionMemoryConfig', () => {
  test('.strategy = STATIC, .initial_pool_size', () => {
    const config: StaticConfig = { strategy: 'static', initialPoolSize: 1 * MIB };
    using allocator = createAllocator(config);
    expect(allocator.stats().reserved).toBe(MIB);
    expect(allocator.stats().largestFree).toBe(MIB);
  });

  test('.strategy = POOLED, .initial_pool_size, .block_size', () => {
    const config: PooledConfig = { strategy: 'pooled', initialPoolSize: 2 * MIB, blockSize: 4096 };
    using allocator = createAllocator(config);
    expect(allocator.stats().reserved).toBe(2 * MIB);
    allocator.allocate(100);
    expect(allocator.stats()).toMatchObject({ active: 4096, reserved: 2 * MIB });
  });

  test('.strategy = DYNAMIC, .track_allocations', () => {
    const config: DynamicConfig = { strategy: 'dynamic', trackAllocations: { callSites: true } };
    using allocator = createAllocator(config);
    allocator.allocate(100, { tag: 'guide' });
    const [block] = allocator.liveBlocks().blocks;
    expect(block).toMatchObject({ tag: 'guide', bytes: 100 });
    expect(performance.now() - block!.allocatedMs!).toBeLessThan(60_000);
    expect(block!.callSite).toContain('guide.test.ts');
  });

  test('.strategy = HYBRID, .initial_pool_size, .enable_optimization', () => {
    const config: HybridConfig = { strategy: 'hybrid', initialPoolSize: 1 * MIB, enableOptimization: true };
    using allocator = createAllocator(config);
    expect(allocator.stats().reserved).toBe(MIB);
    expect(allocator.optimize().trimmed).toBe(0);
  });
});

test('hyperion_create_pool, hyperion_pool_alloc, hyperion_pool_free', () => {
  using pool = createPool({ size: 1024 * 1024, blockSize: 4096 });
  const data = pool.allocate(1000);
  pool.view(data).fill(1);
  expect(pool.utilization).toBe(1 / 256);
  pool.free(data);
  expect([pool.blocks, pool.utilization]).toEqual([256, 0]);
});

test('hyperion_enable_memory_tracking, hyperion_get_memory_stats', () => {
  enableMemoryTracking(true);
  using pool = createPool({ size: MIB, blockSize: 4096 });
  pool.free(pool.allocate());
  const kept = pool.allocate(3000);
  const stats = memoryStats();
  expect(stats.current).toBe(3000); // current_usage
  expect(stats.peak).toBeGreaterThanOrEqual(4096); // peak_usage
  expect(stats.totalAllocated).toBeGreaterThanOrEqual(7096); // "Total allocated memory"
  expect(stats.allocations).toBeGreaterThanOrEqual(2); // "Allocation count"
  expect(stats.externalFragmentation).toBe(0); // "Fragmentation ratio", as four figures
  expect(stats.internalFragmentation).toBeCloseTo(1 - 3000 / 4096);
  pool.free(kept);
  enableMemoryTracking(false);
});

test('hyperion_generate_memory_report', async () => {
  const path = join(temporaryFolder(), 'memory_report.txt');
  await memoryReport(path);
  expect(readFileSync(path, 'utf8')).toContain('peak');
});

test('every call of the guide is mapped in README', () => {
  const readme = readFileSync(join(__dirname, '../../README.md'), 'utf8');
  for (const name of [
    'hyperion_create_pool',
    'hyperion_pool_alloc',
    'hyperion_pool_free',
    'hyperion_enable_memory_tracking',
    'hyperion_get_memory_stats',
    'hyperion_generate_memory_report',
    'HYPERION_MEMORY_STRATEGY_STATIC',
    'HYPERION_MEMORY_STRATEGY_POOLED',
    'HYPERION_MEMORY_STRATEGY_DYNAMIC',
    'HYPERION_MEMORY_STRATEGY_HYBRID',
  ])
    expect(readme).toContain(name);
});
