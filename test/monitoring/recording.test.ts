/** A recording against the engine's own counters. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jupyterDisplay } from '../../src/display';
import { type Model, openModel } from '../../src/inference/model';
import { record } from '../../src/inference/session';
import { Newest } from '../../src/monitoring/newest';
import { SampleHistory } from '../../src/monitoring/timeline';
import { MEMORY_TAGS, native } from '../../src/native';
import { expected, fixture } from '../support/fixtures';

const { inputIds } = expected('llama-256');
let model: Model;

beforeEach(async () => {
  model = await openModel(fixture('llama-256'));
});
afterEach(async () => {
  model.close();
  while (native().liveBytes() > 0) await new Promise(setImmediate);
});

test('every sample is the sum of its tags, within the budget; the peak never falls and ends as the counter’s', async () => {
  // Without a prefetch no read runs on after the last pass, between the two looks at what was loaded.
  const budget = model.plan({ positions: 64 }).smallestBudgetBytes;
  const session = model.session({ budget, prefetchWindow: 0 });
  const recording = session.record();
  await session.generate(inputIds, { maxTokens: 16 }).text();
  const { memory, statistics } = session;
  recording.stop();
  const { samples, marks, lost } = recording;
  expect(lost).toBe(0);
  expect(samples.length).toBeGreaterThan(20);
  let peak = 0;
  let time = 0;
  for (const { timeMs, currentBytes, peakBytes, byTag } of samples) {
    expect(byTag).toHaveLength(MEMORY_TAGS.length);
    expect(byTag.reduce((sum, bytes) => sum + bytes, 0)).toBe(currentBytes);
    expect(currentBytes).toBeLessThanOrEqual(peakBytes);
    expect(peakBytes).toBeLessThanOrEqual(session.budget);
    expect(peakBytes).toBeGreaterThanOrEqual(peak);
    expect(timeMs).toBeGreaterThanOrEqual(time);
    [peak, time] = [peakBytes, timeMs];
  }
  expect(peak).toBe(memory.peak);
  const count = (kind: string) => marks.filter((mark) => mark.kind === kind).length;
  expect(count('load')).toBe(statistics.loads);
  expect(count('evict')).toBe(statistics.evictions);
  expect(statistics.evictions).toBeGreaterThan(0);
  for (const { layer } of marks) expect(model.layerNames).toContain(layer);
});

test('times are those of performance.now()', async () => {
  const session = model.session();
  const before = performance.now();
  const recording = record(session);
  await session.forward(inputIds);
  recording.stop();
  const { samples } = recording;
  const after = performance.now();
  expect(samples[0]!.timeMs).toBeGreaterThan(before - 1);
  expect(samples.at(-1)!.timeMs).toBeLessThan(after + 1);
});

test('plot() and timeline() show what was recorded, with the budget', async () => {
  const session = model.session({ budget: '8 MiB' });
  const recording = session.record();
  await session.forward(inputIds);
  recording.stop();
  const timeline = recording.timeline();
  expect(timeline).toMatchObject({
    budgetBytes: 8 * 2 ** 20,
    tags: MEMORY_TAGS,
    title: expect.stringContaining('8.0 MiB'),
  });
  const { spec } = recording.plot();
  expect(spec.data.length).toBeGreaterThan(MEMORY_TAGS.length);
  expect(Object.keys(await recording[jupyterDisplay]())).toContain('image/svg+xml');
});

test('a stopped recording keeps what it has, and takes no more', async () => {
  const session = model.session();
  const recording = session.record();
  recording.stop();
  const { length } = recording.samples;
  await session.forward(inputIds);
  recording.stop();
  expect(recording.samples).toHaveLength(length);
});

test('a new recording of a session ends the one before; closing the session ends it too', async () => {
  const session = model.session();
  const first = session.record();
  const second = session.record();
  await session.forward(inputIds);
  const { peak } = session.memory;
  session.close();
  expect(first.samples.at(-1)!.peakBytes).toBeLessThan(peak);
  expect(second.samples.at(-1)!.peakBytes).toBe(peak);
  expect(second.plot().toString()).not.toBe('');
});

test('while it runs it is in the memory that it shows', async () => {
  const session = model.session();
  const before = session.memory.byTag.scratch;
  const recording = session.record();
  expect(session.memory.byTag.scratch).toBeGreaterThan(before);
  recording.stop();
  expect(session.memory.byTag.scratch).toBe(before);
});

test('every load is a read, every wait a stall, and what is resident in the end is what the session says', async () => {
  const budget = 2 * model.plan({ positions: 64 }).smallestBudgetBytes;
  const session = model.session({ budget, prefetchWindow: 0 });
  await session.forward(inputIds);
  const before = session.statistics;
  const recording = session.record();
  await session.generate(inputIds, { maxTokens: 16 }).text();
  const { loads, residentLayers, stallMs, stalls } = session.statistics;
  recording.stop();
  expect(recording.lost).toBe(0);
  const of = (lane: string) => recording.spans.filter((span) => span.lane === lane);
  expect(of('read')).toHaveLength(loads - before.loads);
  expect(of('stall')).toHaveLength(stalls - before.stalls);
  const waited = of('stall').reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  expect(waited).toBeLessThanOrEqual(stallMs - before.stallMs);
  for (const { startMs, endMs, layer } of recording.spans) {
    expect(endMs).toBeGreaterThanOrEqual(startMs);
    expect(model.layerNames).toContain(layer);
  }
  const held = residentLayers.filter((name) => model.layers.find((layer) => layer.name === name)!.bytes > 0);
  expect(String(recording.residencyMap())).toContain(`, ${held.length} whole at the end`);
  expect(String(recording.lanes({ passes: 3 }))).toMatch(/^lanes: 3 passes, /);
  expect(String(recording.lanes({ lastMs: 1 }))).toContain('1.00 ms: ');
});

test('computes and stalls do not overlap', async () => {
  const session = model.session({ budget: model.plan({ positions: 64 }).smallestBudgetBytes });
  const recording = session.record();
  await session.generate(inputIds, { maxTokens: 8 }).text();
  recording.stop();
  const busy = recording.spans.filter(({ lane }) => lane !== 'read').sort((a, b) => a.startMs - b.startMs);
  expect(busy.some(({ lane }) => lane === 'stall')).toBe(true);
  for (let i = 1; i < busy.length; i += 1)
    expect(busy[i]!.startMs).toBeGreaterThanOrEqual(busy[i - 1]!.endMs);
});

test('a budget that changes is a line of steps in the picture of memory, and in the titles', async () => {
  const session = model.session({ budget: '8 MiB' });
  const recording = session.record();
  await session.forward(inputIds);
  expect(recording.timeline().budgets).toHaveLength(1);
  await session.setBudget('6 MiB');
  const { budgets } = recording.timeline();
  expect(budgets!.map(({ bytes }) => bytes)).toEqual([8, 6].map((mib) => mib * 2 ** 20));
  const figure = recording.plot();
  expect(figure.spec.data).toContainEqual(expect.objectContaining({ name: 'budget', y: [8, 6, 6] }));
  expect(String(figure)).toContain('budgets from 6.0 MiB to 8.0 MiB');
  expect(JSON.stringify(recording.lanes().spec)).toContain('budgets 6.0 MiB to 8.0 MiB');
});

test.each([
  [{ live: 'movie' }, /live/],
  [{ live: 3 }, /live/],
])('record(%j) is refused', (options, message) => {
  expect(() => model.session().record(options as never)).toThrow(message);
});

test.each([
  ['lanes', { passes: 0 }, /passes is 0/],
  ['lanes', { lastMs: -1 }, /lastMs is -1/],
  ['bandwidth', { disk: 'fast' }, /disk 'fast' is not a size/],
])('recording.%s(%j) is refused', (method, options, message) => {
  const recording = model.session().record();
  expect(() => recording[method as 'lanes'](options as never)).toThrow(message);
});

describe('histories', () => {
  const sample = (timeMs: number, currentBytes: number) => ({
    timeMs,
    currentBytes,
    peakBytes: currentBytes,
    byTag: [],
  });

  test('a long run keeps its highest samples, its newest, the order, and a bounded number', () => {
    const history = new SampleHistory(100);
    const heights = Array.from({ length: 12_345 }, (_, i) => (i * 7919) % 1009);
    heights[5000] = 5000;
    for (const [time, height] of heights.entries()) {
      history.add(sample(time, height));
      expect(history.list().length).toBeLessThanOrEqual(102);
    }
    const list = history.list();
    expect(list.length).toBeGreaterThanOrEqual(50);
    expect(list.some(({ currentBytes }) => currentBytes === 5000)).toBe(true);
    expect(list.at(-1)!.timeMs).toBe(12_344);
    for (let i = 1; i < list.length; i += 1) expect(list[i]!.timeMs).toBeGreaterThan(list[i - 1]!.timeMs);
  });

  test('a short run keeps all', () => {
    const history = new SampleHistory(100);
    for (let time = 0; time < 99; time += 1) history.add(sample(time, 1));
    expect(history.list().map(({ timeMs }) => timeMs)).toEqual(Array.from({ length: 99 }, (_, i) => i));
  });

  test('of very many marks the newest stay, and the others are counted', () => {
    const newest = new Newest<number>(10);
    for (let i = 0; i < 95; i += 1) newest.add(i);
    const list = newest.list();
    expect(list.length + newest.dropped).toBe(95);
    expect(list.length).toBeGreaterThanOrEqual(10);
    expect(list.at(-1)).toBe(94);
  });
});
