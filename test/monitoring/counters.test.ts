/** The counters of a session and of the process, against each other and against the operating system. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openModel } from '../../src/inference/model';
import { processMemory, resetResidentPeak } from '../../src/monitoring/counters';
import { MEMORY_TAGS, native } from '../../src/native';
import { fixture } from '../support/fixtures';

test('a session’s counters agree with each other', async () => {
  const model = await openModel(fixture('llama-256'));
  const session = model.session({ budget: '3 MiB' });
  await session.generate([1, 2, 3], { maxTokens: 20 }).text();
  const { memory } = session;
  const sum = MEMORY_TAGS.reduce((total, tag) => total + memory.byTag[tag], 0);
  expect(memory.current).toBe(sum);
  expect(memory.budget).toBe(3 * 2 ** 20);
  expect(memory.peak).toBeGreaterThanOrEqual(memory.current);
  expect(memory.peak).toBeLessThanOrEqual(memory.budget);
  expect(memory.totalAllocated).toBeGreaterThanOrEqual(memory.peak);
  expect(memory.allocations).toBeGreaterThan(0);
  expect(native().liveBytes()).toBe(memory.current);
  for (const tag of MEMORY_TAGS) expect(memory.peakByTag[tag]).toBeGreaterThanOrEqual(memory.byTag[tag]);
  expect(String(memory)).toContain('kv-cache');
  model.close();
  await session.closed;
});

test('the process’s memory is what /proc says', () => {
  expect(resetResidentPeak()).toBe(true);
  const { resident, residentPeak, fileBacked } = processMemory();
  const status = readFileSync('/proc/self/status', 'utf8');
  const field = (name: string) => 1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]);
  const tolerance = 8 * 2 ** 20;
  expect(Math.abs(resident - field('VmRSS'))).toBeLessThan(tolerance);
  expect(Math.abs(residentPeak - field('VmHWM'))).toBeLessThan(tolerance);
  expect(Math.abs(fileBacked - field('RssFile'))).toBeLessThan(tolerance);
});
