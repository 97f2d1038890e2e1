import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  display,
  type KernelHost,
  kernelHost,
  type MimeBundle,
  memoryFigure,
  Progress,
} from '../../src/display';
import { totals } from './timelines';

const HOST = Symbol.for('hyperion.kernel');
const PLOTLY = 'application/vnd.plotly.v1+json';
const SVG = 'image/svg+xml';

interface Sent {
  bundle: MimeBundle;
  id: string | undefined;
  update: boolean | undefined;
}

function startKernel(): { sent: Sent[]; held: Promise<unknown>[] } {
  const sent: Sent[] = [];
  const held: Promise<unknown>[] = [];
  const host: KernelHost = {
    display: (bundle, options) => sent.push({ bundle, id: options?.displayId, update: options?.update }),
    clearOutput: () => {},
    signal: new AbortController().signal,
    hold: (work) => held.push(work),
  };
  (globalThis as Record<symbol, unknown>)[HOST] = host;
  return { sent, held };
}

afterEach(() => {
  delete (globalThis as Record<symbol, unknown>)[HOST];
  vi.restoreAllMocks();
});

function captureStdout(): string[] {
  const lines: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  return lines;
}

describe('display in a notebook', () => {
  test('a figure takes its place at once and its static picture follows', async () => {
    const { sent, held } = startKernel();
    display(memoryFigure(totals([1, 2])));
    expect(sent.map((each) => Object.keys(each.bundle).sort())).toEqual([[PLOTLY, 'text/plain']]);
    await Promise.all(held);
    expect(sent.map((each) => each.update)).toEqual([false, true]);
    expect(sent[1]!.id).toBe(sent[0]!.id);
    expect(sent[1]!.bundle[SVG]).toContain('<svg');
  });

  test('updates of a live figure carry no static picture, the last one does', async () => {
    const { sent } = startKernel();
    const handle = display(memoryFigure(totals([])), { live: true, id: 'chart' });
    handle.update(memoryFigure(totals([1])));
    handle.update(memoryFigure(totals([1, 2])));
    await handle.done();
    expect(sent.map((each) => SVG in each.bundle)).toEqual([false, false, false, true]);
    expect(new Set(sent.map((each) => each.id))).toEqual(new Set(['chart']));
  });

  test('an update that comes while the static picture is made is not overwritten by it', async () => {
    const { sent } = startKernel();
    const handle = display(memoryFigure(totals([1])), { live: true });
    const done = handle.done();
    handle.update('newer');
    await done;
    expect(sent.at(-1)!.bundle).toEqual({ 'text/plain': 'newer' });
  });

  test('a value that fails to show itself is shown as Node prints it', async () => {
    const { sent, held } = startKernel();
    display({
      [Symbol.for('Jupyter.display')]() {
        throw new Error('no');
      },
      size: 3,
    });
    await Promise.all(held);
    expect(sent[0]!.bundle['text/plain']).toContain('size: 3');
  });
});

describe('display in a plain process', () => {
  test('prints text to standard output', () => {
    const lines = captureStdout();
    expect(kernelHost()).toBeUndefined();
    display(memoryFigure(totals([])));
    display('text');
    display({ a: 1 });
    expect(lines).toEqual(['memory: no samples yet; no budget\n', 'text\n', '{ a: 1 }\n']);
  });

  test('a live display prints its last value once', async () => {
    const lines = captureStdout();
    const handle = display('first', { live: true });
    for (let step = 0; step < 1000; step++) handle.update(`step ${step}`);
    await handle.done();
    await handle.done();
    expect(lines).toEqual(['step 999\n']);
  });
});

describe('progress', () => {
  function run(options: { isTTY: boolean }) {
    const written: string[] = [];
    let clock = 0;
    const progress = new Progress('writing', 1000, {
      out: { isTTY: options.isTTY, write: (text: string) => written.push(text) },
      now: () => clock,
    });
    for (let done = 1; done <= 1000; done++) {
      clock += 1;
      progress.update(done);
    }
    progress.finish();
    return written;
  }

  test('rewrites one line of a terminal, ten times per second at most', () => {
    const written = run({ isTTY: true });
    expect(written.length).toBeLessThanOrEqual(13);
    expect(written[5]).toBe(
      '\rwriting  ████████████░░░░░░░░░░░░  50%  500 of 1,000  1,000/s  500 ms left\u001b[K',
    );
    expect(written.at(-1)).toBe('\n');
  });

  test('leaves one line in a log', () => {
    expect(run({ isTTY: false })).toEqual([
      'writing  ████████████████████████  100%  1,000 of 1,000  1,000/s  1.00 s\n',
    ]);
  });

  test('moves one display of a notebook', () => {
    const { sent } = startKernel();
    expect(run({ isTTY: true })).toEqual([]);
    expect(new Set(sent.map((each) => each.id)).size).toBe(1);
    expect(sent.length).toBeLessThanOrEqual(13);
    expect(sent[0]!.bundle['text/html']).toContain('<progress max="1" value="0.0000">');
    expect(sent.at(-1)!.bundle['text/html']).toContain('value="1.0000"');
  });

  test('of an unknown or an odd total says what is done, and no NaN', () => {
    for (const total of [undefined, 0, Number.NaN]) {
      const progress = new Progress('reading', total, {
        unit: 'bytes',
        out: { write: () => {} },
        now: () => 0,
      });
      progress.update(2048);
      expect(String(progress)).toMatch(/^reading {2}2\.0 KiB/);
      expect(String(progress)).not.toMatch(/NaN|Infinity/);
    }
  });
});
