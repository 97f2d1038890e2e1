/** The view of the process against what was done to it: memory touched, files mapped, a control group entered. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { jupyterDisplay } from '../../src/display';
import { openModel } from '../../src/inference/model';
import { ProcessView, processView } from '../../src/monitoring/process-view';
import { fixture } from '../support/fixtures';

const MIB = 2 ** 20;
const library = JSON.stringify(join(__dirname, '../../dist/src/index.js'));

/** What `code` returns in a new process, with the library as `hyperion`. */
function inNewProcess<T>(code: string): T {
  const script = `const hyperion = require(${library}); console.log(JSON.stringify((() => { ${code} })()))`;
  return JSON.parse(execFileSync(process.execPath, ['--expose-gc', '-e', script], { encoding: 'utf8' }));
}

test('64 MiB that are touched are anonymous, resident and under the high-water mark', () => {
  const before = processView();
  const buffer = Buffer.alloc(64 * MIB, 1);
  const after = processView();
  expect(buffer.at(-1)).toBe(1);
  for (const figure of ['anonymous', 'resident'] as const) {
    const growth = after[figure]! - before[figure]!;
    expect(growth).toBeGreaterThan(60 * MIB);
    expect(growth).toBeLessThan(72 * MIB);
  }
  expect(after.residentPeak!).toBeGreaterThanOrEqual(after.resident! - MIB);
  expect(after.minorFaults).toBeGreaterThan(before.minorFaults);
});

test('the parts of the resident set are its whole', () => {
  const { resident, anonymous, fileBacked, sharedMemory } = processView();
  expect(Math.abs(anonymous! + fileBacked! + sharedMemory! - resident!)).toBeLessThan(4 * MIB);
});

test('the high-water mark says whether it was reset', () => {
  const [first, reset, grown, view] = inNewProcess<[boolean, boolean, number, ProcessView]>(`
    const first = hyperion.processView();
    Buffer.alloc(64 * 2 ** 20, 1);
    const grown = hyperion.processView();
    gc();
    const reset = hyperion.resetResidentPeak();
    return [first.residentPeakReset, reset, grown.residentPeak, hyperion.processView()];`);
  expect([first, reset, view.residentPeakReset]).toEqual([false, true, true]);
  expect(view.residentPeak).toBeLessThan(grown - 48 * MIB);
});

test('a model that is mapped and read costs page faults, and is among the mappings', async () => {
  const path = join(fixture('llama-256'), 'model.safetensors');
  const model = await openModel(fixture('llama-256'));
  const session = model.session({ io: 'mmap' });
  const before = processView();
  await session.forward([1, 2, 3]);
  const after = processView();
  expect(after.minorFaults + after.majorFaults).toBeGreaterThan(before.minorFaults + before.majorFaults);
  const mapping = after.mappings()!.rows.find((row) => row.path === path);
  expect(mapping).toBeDefined();
  expect(mapping!.mapped).toBeGreaterThanOrEqual(readFileSync(path).length);
  expect(mapping!.resident).toBeGreaterThan(mapping!.mapped / 2);
  session.close();
  await session.closed;
  expect(
    processView()
      .mappings()!
      .rows.some((row) => row.path === path),
  ).toBe(false);
  model.close();
});

describe('mappings', () => {
  test('add up to the resident set, whether grouped or not', () => {
    const view = processView();
    for (const group of [true, false]) {
      const { rows } = view.mappings({ group })!;
      const resident = rows.reduce((sum, row) => sum + row.resident, 0);
      expect(resident / view.resident!).toBeGreaterThan(0.95);
      expect(resident / view.resident!).toBeLessThan(1.05);
    }
  });

  test('grouped have one row for a path and the largest first; each has its addresses otherwise', () => {
    const view = processView();
    const { rows: groups } = view.mappings()!;
    const { rows: single } = view.mappings({ group: false })!;
    expect(new Set(groups.map(({ path }) => path)).size).toBe(groups.length);
    expect(groups.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['[stack]', 'anonymous', process.execPath]),
    );
    expect(groups.map(({ resident }) => resident)).toEqual(
      groups.map(({ resident }) => resident).sort((a, b) => b - a),
    );
    expect(single.length).toBeGreaterThan(groups.length);
    for (const { addresses, mapped } of single) {
      const [begin, end] = addresses!.split('-').map((address) => BigInt(`0x${address}`));
      expect(Number(end! - begin!)).toBe(mapped);
    }
  });

  test('are a data frame', async () => {
    const mappings = processView().mappings()!;
    const frame = await mappings.toDataFrame();
    expect(frame.shape[0]).toBe(mappings.rows.length);
    expect(frame.column('resident').values).toEqual(mappings.rows.map(({ resident }) => resident));
  });
});

describe('what is shown', () => {
  const nothing = {
    ...{ resident: null, residentPeak: null, residentPeakReset: false, anonymous: null, fileBacked: null },
    ...{
      sharedMemory: null,
      swapped: null,
      minorFaults: 12,
      majorFaults: 3,
      controlGroup: null,
      pressure: null,
    },
  };

  test('is a dash for what the operating system does not tell', () => {
    expect(new ProcessView(nothing).toString().replace(/ {2,}/g, '  ')).toBe(
      [
        'memory of the process  now',
        'resident set  –',
        'resident set, high-water mark since the start  –',
        'resident, anonymous  –',
        'resident, file-backed  –',
        'resident, shared memory  –',
        'swapped  –',
        'page faults, minor  12',
        'page faults, major  3',
        'control group  –',
        'pressure  –',
      ].join('\n'),
    );
  });

  test('names a group by its version, and the scope of pressure', () => {
    const stalls = { avg10: 0.015, avg60: 0.01, avg300: 0, totalMs: 1500 };
    const text = new ProcessView({
      ...nothing,
      controlGroup: {
        ...{ version: 2, path: '/lab', limit: null, usage: 3 * MIB, peak: null },
        ...{ fileCache: MIB, limitHits: 1234, kills: 0 },
      },
      pressure: { scope: 'group', some: stalls, full: stalls },
    })
      .toString()
      .replace(/ {2,}/g, '  ');
    expect(text).toContain('control group, version 2  /lab\ncontrol group, limit  unlimited\n');
    expect(text).toContain('control group, largest usage  –\n');
    expect(text).toContain(
      'pressure of the group, some tasks waited  1.5% of 10 s, 1.0% of 60 s, 0.0% of 300 s, 1.50 s in all',
    );
  });

  test('is a table in a notebook', () => {
    const view = processView();
    expect(view[jupyterDisplay]()['text/html']).toContain('<table');
    expect(view.mappings()![jupyterDisplay]()['text/html']).toContain('[stack]');
  });
});
