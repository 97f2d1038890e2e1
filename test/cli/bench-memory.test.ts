/** The comparison of allocators as a user meets it: small runs, of which the figures are there and consistent. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Measurement, MemoryResult } from '../../src/cli/bench/memory';
import { memoryReport } from '../../src/cli/bench/memory-report';
import { choosePeers, findPeers } from '../../src/cli/bench/peers';

const cli = join(__dirname, '../../dist/src/cli/main.js');

function bench(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'bench', 'memory', ...args], {
    encoding: 'utf8',
    timeout: 100_000,
  });
  return { status, stdout, stderr };
}

const small = ['--repeat', '2', '--operations', '2000'];

describe('bench memory', () => {
  test('one object: every workload measured, own subjects as ratios to the peers that are here', () => {
    const { status, stdout, stderr } = bench(...small, '--json');
    expect(status, stderr).toBe(0);
    const result: MemoryResult = JSON.parse(stdout);
    expect(result).toMatchObject({ repeat: 2, operations: 2000, peers: findPeers() });
    const of = (subject: string, measure: string, workload?: string) => {
      const found = result.measurements.find(
        (one) =>
          one.subject === subject && one.measure === measure && (!workload || one.workload === workload),
      );
      expect(found, `${subject} ${measure}`).toBeDefined();
      return found!;
    };
    for (const { value } of result.measurements.filter(({ subject }) => subject !== 'tracking alone')) {
      expect(value.min).toBeGreaterThan(0);
      expect(value.median).toBeGreaterThanOrEqual(value.min);
      expect(value.max).toBeGreaterThanOrEqual(value.median);
    }
    const floor = of('floor', 'batch');
    expect(floor).toMatchObject({ unit: 'ns', ratios: {}, target: null });
    const pool = of('pool', 'batch');
    expect(pool.ratios.floor).toBeCloseTo(pool.value.median / floor.value.median);
    expect(pool.target).toEqual({ value: 1.6, peer: 'boost::pool', ratio: 0.6 });
    const here = result.peers.flatMap(({ name, library }) => (library ? [name] : []));
    for (const measure of ['lifo', 'batch', 'trace', 'resident'])
      expect(Object.keys(of('dynamic', measure, 'dynamic').ratios)).toEqual(['glibc', ...here]);
    expect(of('dynamic', 'resident')).toMatchObject({ unit: 'ratio', target: { value: 1.25 } });
    expect(of('shared pool, 2 threads', 'lifo').ratios['shared pool, 1 thread']).toBeGreaterThan(0);
    expect(of('tracking alone', 'trace').ratios.dynamic).toBeDefined();
  }, 120_000);

  test('a table, and the packages of what is missing', () => {
    const { status, stdout, stderr } = bench('--repeat', '1', '--operations', '1000');
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^workload +allocator +measure .*target +compared +ratio +target ratio$/m);
    expect(stdout).toMatch(/^pool +checked pool +lifo +ns +\d+\.\d\d \(.*\) +1\.60 +to floor +\d+\.\d\dx/m);
    for (const { name, library } of findPeers())
      expect(stdout.includes(`${name} is not here`)).toBe(library === null);
  }, 120_000);

  test('wrong numbers are refused before anything runs', () => {
    expect(bench('--repeat', '0')).toMatchObject({ status: 1, stdout: '' });
    expect(bench('--operations', '1.5').stderr).toMatch(/INVALID: operations is 1.5/);
  });
});

describe('peers', () => {
  test('are found by the names of their libraries, and not by those of their variants for debugging', () => {
    const peers = choosePeers([
      '/lib/libtcmalloc_minimal_debug.so.4',
      '/lib/libtcmalloc_minimal.so.4',
      '/lib/libmimalloc.so',
      '/lib/libjemalloc_pic.a',
    ]);
    expect(peers.map(({ name, library }) => [name, library])).toEqual([
      ['mimalloc', '/lib/libmimalloc.so'],
      ['jemalloc', null],
      ['tcmalloc', '/lib/libtcmalloc_minimal.so.4'],
    ]);
  });

  test('that are found exist', () => {
    for (const { library } of findPeers()) if (library) expect(existsSync(library)).toBe(true);
  });
});

describe('memoryReport', () => {
  const pool: Measurement = {
    workload: 'pool',
    subject: 'pool',
    measure: 'lifo',
    unit: 'ns',
    value: { median: 1.5, min: 1.25, max: 2 },
    ratios: { floor: 1.2 },
    target: { value: 1, peer: 'boost::pool', ratio: 1.9 },
  };

  test('names every peer that is absent, with what brings it', () => {
    const text = memoryReport({ repeat: 1, operations: 10, peers: choosePeers([]), measurements: [pool] });
    expect(text).toContain('mimalloc is not here, and is not compared with: apt-get install libmimalloc2.0');
    expect(text).toContain('jemalloc is not here, and is not compared with: apt-get install libjemalloc2');
    expect(text).toContain('tcmalloc is not here, and is not compared with: apt-get install libtcmalloc-');
    expect(text).toContain(
      'boost::pool was not here when the program was built: apt-get install libboost-dev',
    );
    expect(text).toMatch(/pool +pool +lifo +ns +1\.50 \(1\.25–2\.00\) +1\.00 +to floor +1\.20x$/m);
  });

  test('puts the target ratio beside the peer that it is set against', () => {
    const measured = { ...pool, ratios: { floor: 1.2, 'boost::pool': 1.25 } };
    const boost = { ...pool, subject: 'boost::pool', ratios: {}, target: null };
    const text = memoryReport({ repeat: 1, operations: 10, peers: [], measurements: [boost, measured] });
    expect(text).toMatch(/^ +to boost::pool +1\.25x +1\.90x$/m);
    expect(text).not.toContain('was not here');
  });
});
