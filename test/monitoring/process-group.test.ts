/** The control group of a process: found in captured texts of both versions, and against a real one that a process enters. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CONTROL_GROUP_VERSIONS, ControlGroup, parseLimit } from '../../src/monitoring/control-group';
import { parsePressure } from '../../src/monitoring/pressure';
import { locateGroup, readProcessGroup, roomInGroup } from '../../src/monitoring/process-group';
import type { ProcessView } from '../../src/monitoring/process-view';
import { runCapped } from '../support/control-group';
import { temporaryFolder } from '../support/temporary';

const MIB = 2 ** 20;

test('a process that enters a group sees its version, path, limit and usage', async () => {
  const library = JSON.stringify(join(__dirname, '../../dist/src/index.js'));
  const script = `const touched = Buffer.alloc(64 * 2 ** 20, 1);
    console.log(JSON.stringify(require(${library}).processView()), touched.at(-1) === 1 ? '' : 'lost')`;
  const run = await runCapped([process.execPath, '-e', script], 512 * MIB);
  expect(run.stderr).toBe('');
  const { controlGroup, residentPeak }: ProcessView = JSON.parse(run.stdout);
  expect(residentPeak).toBeGreaterThan(64 * MIB);
  if (!run.capped) {
    console.warn('no memory control group can be made here: only resident memory was checked');
    return;
  }
  expect([1, 2]).toContain(controlGroup!.version);
  expect(controlGroup).toMatchObject({ limit: 512 * MIB, kills: 0, limitHits: 0 });
  expect(controlGroup!.path).toMatch(/\/hyperion-\d+-\d+$/);
  expect(controlGroup!.usage).toBeGreaterThan(64 * MIB);
  expect(controlGroup!.usage).toBeLessThanOrEqual(controlGroup!.peak!);
  expect(controlGroup!.peak).toBeLessThanOrEqual(run.groupPeakBytes!);
  expect(controlGroup!.fileCache).toBeLessThan(controlGroup!.usage! - 64 * MIB);
});

const MOUNTS_VERSION_1 = `25 30 0:23 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
31 25 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
36 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:15 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,nosuid shared:14 master:2 - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw`;

const MOUNTS_VERSION_2 =
  '30 25 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot';

describe('the place of the group', () => {
  test('of version 2', () => {
    expect(locateGroup('0::/user.slice/session-2.scope\n', MOUNTS_VERSION_2)).toEqual({
      version: 2,
      path: '/user.slice/session-2.scope',
      folder: '/sys/fs/cgroup/user.slice/session-2.scope',
      top: '/sys/fs/cgroup',
    });
  });

  test('of version 1 where both are mounted and memory belongs to it', () => {
    const membership = '9:name=systemd:/\n5:cpu,cpuacct:/other\n4:memory:/lab\n0::/\n';
    expect(locateGroup(membership, MOUNTS_VERSION_1)).toEqual({
      version: 1,
      path: '/lab',
      folder: '/sys/fs/cgroup/memory/lab',
      top: '/sys/fs/cgroup/memory',
    });
  });

  test('in a container that sees its own part of the tree alone, with a space in its name', () => {
    const mounts = String.raw`35 31 0:32 /docker/my\040lab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory`;
    expect(locateGroup('4:memory:/docker/my lab/job\n', mounts)).toMatchObject({
      folder: '/sys/fs/cgroup/memory/job',
      top: '/sys/fs/cgroup/memory',
    });
  });

  test.each([
    ['out of sight', '4:memory:/other\n', '35 31 0:32 /docker/lab /cg rw - cgroup cgroup rw,memory'],
    ['of a version that is not mounted', '0::/lab\n', '35 31 0:32 / /cg rw - cgroup cgroup rw,memory'],
    ['without any', '', MOUNTS_VERSION_1],
  ])('is unknown when it is %s', (_, membership, mounts) => {
    expect(locateGroup(membership, mounts)).toBeNull();
  });
});

describe('the figures of captured files', () => {
  /** Groups one in the other, outermost first, each with the files given. */
  function place(version: 1 | 2, files: readonly Readonly<Record<string, string>>[]) {
    const top = temporaryFolder();
    let folder = top;
    for (const [depth, texts] of files.entries()) {
      if (depth > 0) folder = join(folder, 'inner');
      mkdirSync(folder, { recursive: true });
      for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
    }
    return { version, path: '/inner', folder, top };
  }
  const groups = (...args: Parameters<typeof place>) => readProcessGroup(place(...args));
  const room = (...args: Parameters<typeof place>) => roomInGroup(place(...args));

  test('of version 2: the limit is the tightest on the way up, `max` is none', () => {
    const innermost = {
      'memory.max': 'max\n',
      'memory.current': '10485760\n',
      'memory.stat': 'anon 4096\nfile 300\ninactive_file 100\nactive_file 28\nunevictable 7\n',
      'memory.events': 'low 0\nhigh 5\nmax 17\noom 2\noom_kill 1\noom_group_kill 0\n',
    };
    const files: Record<string, string>[] = [
      {},
      { 'memory.max': '2097152\n' },
      { 'memory.max': '8388608\n' },
      innermost,
    ];
    expect(groups(2, files)).toEqual({
      ...{ version: 2, path: '/inner', limit: 2097152, usage: 10485760 },
      // memory.peak came with Linux 5.19
      ...{ peak: null, fileCache: 128, limitHits: 17, kills: 1 },
    });
    expect(groups(2, [{}, innermost]).limit).toBeNull();
  });

  test('of version 1: no limit is the largest number of whole pages', () => {
    const innermost = {
      'memory.limit_in_bytes': '9223372036854771712\n',
      'memory.usage_in_bytes': '4096\n',
      'memory.max_usage_in_bytes': '8192\n',
      'memory.stat': 'inactive_file 1\nactive_file 2\ntotal_inactive_file 30\ntotal_active_file 4\n',
      'memory.failcnt': '3\n',
      'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\n',
    };
    const topmost = { 'memory.limit_in_bytes': '9223372036854771712\n' };
    expect(groups(1, [topmost, innermost])).toEqual({
      ...{ version: 1, path: '/inner', limit: null, usage: 4096, peak: 8192 },
      // without a line oom_kill, as before Linux 4.13
      ...{ fileCache: 34, limitHits: 3, kills: null },
    });
  });

  test('room is that of the tightest on the way up, page cache not counted', () => {
    const inner = {
      'memory.max': '1000000\n',
      'memory.current': '500000\n',
      'memory.stat': 'inactive_file 100000\nactive_file 50000\n',
      'memory.events': 'oom_kill 3\n',
    };
    const outer = {
      'memory.max': '2000000\n',
      'memory.current': '1900000\n',
      'memory.stat': 'active_file 0\n',
    };
    expect(room(2, [{}, inner])).toEqual({ available: 650_000, total: 1_000_000, kills: 3 });
    expect(room(2, [{}, outer, inner])).toEqual({ available: 100_000, total: 2_000_000, kills: 3 });
    const slowed = { ...inner, 'memory.high': '400000\n' };
    expect(room(2, [{}, slowed])).toEqual({ available: 50_000, total: 400_000, kills: 3 });
    expect(room(2, [{}, { ...inner, 'memory.max': 'max\n' }])).toBeNull();
    const version1 = {
      'memory.limit_in_bytes': '1000000\n',
      'memory.usage_in_bytes': '1200000\n',
      'memory.stat': 'total_active_file 4\n',
    };
    expect(room(1, [version1])).toEqual({ available: 0, total: 1_000_000, kills: 0 });
  });

  test('of a group that has none', () => {
    const unknown = { limit: null, usage: null, peak: null, fileCache: null, limitHits: null, kills: null };
    expect(groups(2, [{}])).toEqual({ version: 2, path: '/inner', ...unknown });
  });

  test.each([
    ['max\n', null],
    ['9223372036854771712\n', null],
    ['9223372036854710272\n', null],
    ['0\n', 0],
    ['1073741824\n', 1073741824],
    [null, null],
  ])('limit %j is %j', (text, bytes) => {
    expect(parseLimit(text)).toBe(bytes);
  });
});

describe('pressure', () => {
  test('has shares of the time, and milliseconds', () => {
    const text =
      'some avg10=12.50 avg60=3.00 avg300=0.75 total=325728\nfull avg10=2.00 avg60=1.00 avg300=0.00 total=271674\n';
    expect(parsePressure(text)).toEqual({
      some: { avg10: 0.125, avg60: 0.03, avg300: 0.0075, totalMs: 325.728 },
      full: { avg10: 0.02, avg60: 0.01, avg300: 0, totalMs: 271.674 },
    });
  });

  test.each([[null], [''], ['some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n']])(
    'is unknown in %j',
    (text) => {
      expect(parsePressure(text)).toBeNull();
    },
  );
});

test('a group that is not there has no figures, and says so by failing', () => {
  const group = new ControlGroup(join(temporaryFolder(), 'none'), CONTROL_GROUP_VERSIONS[1]);
  expect(() => group.usage()).toThrow('ENOENT');
});
