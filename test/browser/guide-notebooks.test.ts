/** The notebooks on memory, monitoring, models and loading as a user meets them: JupyterLab in a browser, Run All Cells. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyNotebook, type Lab, startLab } from './lab';
import { type CodeCell, NotebookPage } from './notebook-page';

const PLOTLY = 'application/vnd.plotly.v1+json';
// The first start on a machine builds everything.
const SETUP_MS = 900_000;
const RUN_MS = 240_000;
const HEIGHT = 14_000;

let lab: Lab;

beforeAll(async () => {
  lab = await startLab('guide-notebooks');
}, SETUP_MS);

afterAll(() => lab?.stop());

/** Opens a copy of the notebook and runs all of it, before the tests of the block. */
function runIn(name: string) {
  let copy: ReturnType<typeof copyNotebook>;
  const run = { page: undefined as unknown as NotebookPage, cells: [] as CodeCell[] };
  beforeAll(async () => {
    copy = copyNotebook(`${name}.ipynb`);
    run.page = await NotebookPage.open(lab.urlOf(copy.name), HEIGHT);
    await run.page.runAll(RUN_MS);
    run.cells = await run.page.cells();
    await run.page.screenshot(name);
  }, RUN_MS);
  afterAll(async () => {
    await run.page?.close();
    copy?.remove();
  });
  return run;
}

function expectSuccess({ page, cells }: { page: NotebookPage; cells: CodeCell[] }): void {
  expect(cells.map(({ prompt }) => prompt)).toEqual(cells.map((_, index) => `[${index + 1}]:`));
  expect(cells.filter(({ failed }) => failed)).toEqual([]);
  expect(page.scriptErrors).toEqual([]);
}

/** How many charts the notebook has as it is committed. */
function chartsOf(name: string): number {
  const { cells } = JSON.parse(readFileSync(join(__dirname, `../../notebooks/${name}.ipynb`), 'utf8'));
  const outputs: { data?: object }[] = cells.flatMap((cell: { outputs?: object[] }) => cell.outputs ?? []);
  return outputs.filter(({ data }) => data && PLOTLY in data).length;
}

describe('01-memory in JupyterLab', () => {
  const run = runIn('01-memory');

  test('every cell runs without an error', () => expectSuccess(run));

  test('every chart is drawn', async () => {
    expect(await run.page.drawnCharts()).toBe(chartsOf('01-memory'));
  });

  test('what is refused is explained where it is caught', () => {
    const alerts = run.cells.filter(({ text }) => /OVER_BUDGET|OUT_OF_MEMORY/.test(text));
    expect(alerts.map(({ text }) => text)).toEqual([
      expect.stringMatching(/OVER_BUDGET.*the limit is 1\.0 MiB, of which 960\.0 KiB are in use/),
      expect.stringMatching(/OUT_OF_MEMORY.*448\.0 KiB lie in holes/),
    ]);
  });
});

describe('02-monitoring in JupyterLab', () => {
  const run = runIn('02-monitoring');

  test('every cell runs without an error', () => expectSuccess(run));

  test('every chart is drawn', async () => {
    expect(await run.page.drawnCharts()).toBe(chartsOf('02-monitoring'));
  });

  test('the leak that was planted is found with the line that took it', () => {
    const parse = run.cells.findIndex(({ text }) => text.includes('[ 4, -1, 4, -1 ]')) + 1;
    const leaks = run.cells.find(({ text }) => text.includes('Leaks: 2 blocks'));
    expect(leaks?.text.match(/cell \[\d+\]:\d+/g)).toEqual(Array(2).fill(`cell [${parse}]:2`));
  });

  test('the report is shown whole, with what was planted', async () => {
    const report = await run.page.frameText('Memory report');
    for (const planted of ['double free', 'foreign handle', 'forgotten', 'parser', 'strips'])
      expect(report).toContain(planted);
  });
});

describe('03-model in JupyterLab', () => {
  const run = runIn('03-model');

  test('every cell runs without an error', () => expectSuccess(run));

  test('every chart is drawn', async () => {
    expect(await run.page.drawnCharts()).toBe(chartsOf('03-model'));
  });

  test('the card says what the model is and what it needs', () => {
    const { text, shown } = run.cells[0]!;
    expect(shown).toContain('text/html');
    for (const fact of ['llama', '4,918,528', 'KV cache per token', 'smallest budget'])
      expect(text).toContain(fact);
  });

  test('adaptive caching has hits on a scan that repeats, and LRU none', () => {
    const { text } = run.cells.find(({ text }) => text.includes('room for 10'))!;
    expect(text).toMatch(/LRU\s*0\s*400/);
    expect(text).toMatch(/adaptive\s*171/);
  });

  test('its pictures can be read on a dark ground too', async () => {
    await run.page.useTheme('JupyterLab Dark');
    await run.page.screenshot('03-model-dark');
    expect(await run.page.drawnCharts()).toBe(chartsOf('03-model'));
  });
});

describe('04-loading in JupyterLab', () => {
  const run = runIn('04-loading');
  const textWith = (part: string) => run.cells.find(({ text }) => text.includes(part))!.text;

  test('every cell runs without an error', () => expectSuccess(run));

  test('every chart is drawn', async () => {
    expect(await run.page.drawnCharts()).toBe(chartsOf('04-loading'));
  });

  test('another budget in the middle, and speculation, change no text', () => {
    expect(textWith('under one budget')).toContain('same text as under one budget: true');
    expect(textWith('prompt-lookup')).toContain('same text: true');
  });

  test('what stays is not read again, but under the rule of page caches it is', () => {
    const [, cyclic, lru] = /cyclic\s*([\d.]+) MiB.*lru\s*([\d.]+) MiB/s.exec(textWith('fifo'))!;
    expect(Number(cyclic)).toBeLessThan(0.75 * Number(lru));
  });

  test('what cannot work is explained where it is caught', () => {
    expect(textWith('OVER_BUDGET')).toContain('smallest feasible budget');
    expect(textWith('CORRUPT')).toMatch(/layers\.\d\.\w+: .*model\.safetensors was changed since/);
  });

  test('its pictures can be read on a dark ground too', async () => {
    await run.page.useTheme('JupyterLab Dark');
    await run.page.screenshot('04-loading-dark');
    expect(await run.page.drawnCharts()).toBe(chartsOf('04-loading'));
  });
});
