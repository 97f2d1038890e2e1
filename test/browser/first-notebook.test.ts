/** The first notebook as a user meets it: `npm start`, JupyterLab in a browser, Run All Cells. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyNotebook, type Lab, startLab } from './lab';
import { type ChartSighting, type CodeCell, NotebookPage } from './notebook-page';

/** Added at the end of the notebook: a budget that nothing fits into. */
const BAD_BUDGET = "(await hyperion.openModel('models/manpage')).session({ budget: '64 KiB' })";
// The first start on a machine builds everything.
const SETUP_MS = 900_000;
const RUN_MS = 240_000;

describe('00-start in JupyterLab', () => {
  let lab: Lab;
  let notebook: ReturnType<typeof copyNotebook>;
  let page: NotebookPage;
  let cells: CodeCell[];
  let charts: { seen: ChartSighting[]; removed: number };

  beforeAll(async () => {
    notebook = copyNotebook('00-start.ipynb', [BAD_BUDGET]);
    lab = await startLab('first-notebook');
    page = await NotebookPage.open(lab.urlOf(notebook.name));
    await page.watchCharts();
    await page.runAll(RUN_MS);
    charts = await page.charts();
    cells = await page.cells();
    await page.screenshot('00-start-light');
  }, SETUP_MS);

  afterAll(async () => {
    await page?.close();
    await lab?.stop();
    notebook?.remove();
  });

  test('every cell of the notebook runs without an error', () => {
    const own = cells.slice(0, -1);
    expect(own.map(({ prompt }) => prompt)).toEqual(own.map((_, index) => `[${index + 1}]:`));
    expect(own.filter(({ failed }) => failed)).toEqual([]);
    expect(page.scriptErrors).toEqual([]);
  });

  test('the chart grows while its cell runs', () => {
    const points = charts.seen.filter(({ running }) => running).map((chart) => chart.points);
    const growth = points.filter((count, index) => count > Math.max(0, ...points.slice(0, index)));
    expect(growth.length).toBeGreaterThanOrEqual(3);
  });

  test('charts are redrawn in place: none is taken away', () => {
    expect(charts.seen.length).toBeGreaterThan(0);
    expect(charts.removed).toBe(0);
  });

  test('a budget that is too small is explained: the sentence names the smallest feasible one', () => {
    const { failed, text, shown } = cells.at(-1)!;
    expect(failed).toBe(true);
    expect(shown).toContain('text/html');
    expect(text).toMatch(
      /OVER_BUDGET.*needs .*the budget is 64\.0 KiB; smallest feasible budget: [\d.]+ [KM]iB/,
    );
  });

  test("a figure's letters follow the theme", async () => {
    const light = await page.colorOf('.js-plotly-plot .gtitle', 'fill');
    await page.useTheme('JupyterLab Dark');
    await page.screenshot('00-start-dark');
    const dark = await page.colorOf('.js-plotly-plot .gtitle', 'fill');
    expect(brightness(light)).toBeLessThan(100);
    expect(brightness(dark)).toBeGreaterThan(155);
  });
});

/** Of `rgb(…)`, from 0 (black) to 255 (white). */
function brightness(color: string): number {
  const [red, green, blue] = (color.match(/[\d.]+/g) ?? []).map(Number);
  return (red! + green! + blue!) / 3;
}
