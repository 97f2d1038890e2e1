/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** A notebook in Chromium: run it, watch its charts while it runs, read its outputs, take its picture. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { OUTPUT } from './lab';

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const WIDTH = 1300;
// Nothing leaves the machine, and it runs as root in a container.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** What a chart was seen to be at one moment. */
export interface ChartSighting {
  /** Points of the first trace. */
  points: number;
  /** Whether its cell was running. */
  running: boolean;
}

export interface CodeCell {
  /** `[3]:` of a cell that ran; `[*]:` of one that runs or waits; `[ ]:` of one that did neither. */
  prompt: string;
  text: string;
  /** Whether it ended in an error. */
  failed: boolean;
  /** MIME types of the outputs as they are shown. */
  shown: string[];
}

export class NotebookPage {
  /** Errors of the page's own scripts. */
  readonly scriptErrors: string[] = [];

  private constructor(
    private readonly context: BrowserContext,
    private readonly page: Page,
    private readonly profile: string,
  ) {
    page.on('pageerror', (error) => this.scriptErrors.push(error.message));
  }

  /** @param height enough for all of it, because JupyterLab builds only the cells in view */
  static async open(url: string, height = 4800): Promise<NotebookPage> {
    const profile = mkdtempSync(join(tmpdir(), 'hyperion-browser-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: CHROMIUM,
      headless: true,
      args: FLAGS,
      viewport: { width: WIDTH, height },
    });
    const opened = new NotebookPage(context, context.pages()[0] ?? (await context.newPage()), profile);
    await opened.keepSettings();
    await opened.page.goto(url);
    await opened.page.locator('.jp-Notebook .jp-CodeCell').first().waitFor({ timeout: 60_000 });
    // The notebook's own sign is idle before there is a kernel; the status bar waits for it.
    await opened.page.locator('#jp-bottom-panel', { hasText: '| Idle' }).waitFor({ timeout: 60_000 });
    return opened;
  }

  /** Runs all cells; resolves when none is running or waiting. */
  async runAll(timeout: number): Promise<void> {
    await this.choose('Run', 'Run All Cells');
    await this.page.waitForFunction(
      () => {
        const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(
          (each) => each.textContent,
        );
        return prompts.some((text) => /\d/.test(text ?? '')) && !prompts.includes('[*]:');
      },
      undefined,
      { timeout, polling: 100 },
    );
    // What the last cell shows may still be drawn.
    await this.page.waitForTimeout(1000);
  }

  /** Looks at the charts every 20 ms from now on, and counts charts that are taken away. */
  async watchCharts(): Promise<void> {
    await this.page.evaluate(() => {
      const seen: { points: number; running: boolean }[] = [];
      const known = new Set<Element>();
      const watch = { seen, removed: () => [...known].filter((node) => !node.isConnected).length };
      Object.assign(window, { chartWatch: watch });
      setInterval(() => {
        for (const node of document.querySelectorAll<Element & { data?: { x?: unknown[] }[] }>(
          '.js-plotly-plot',
        )) {
          known.add(node);
          const prompt = node.closest('.jp-CodeCell')?.querySelector('.jp-InputPrompt')?.textContent;
          seen.push({ points: node.data?.[0]?.x?.length ?? 0, running: prompt === '[*]:' });
        }
      }, 20);
    });
  }

  charts(): Promise<{ seen: ChartSighting[]; removed: number }> {
    return this.page.evaluate(() => {
      const { chartWatch } = window as unknown as {
        chartWatch: { seen: ChartSighting[]; removed(): number };
      };
      return { seen: chartWatch.seen, removed: chartWatch.removed() };
    });
  }

  /** The code cells in order. */
  cells(): Promise<CodeCell[]> {
    return this.page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('.jp-CodeCell')].map((cell) => {
        const outputs = [...cell.querySelectorAll<HTMLElement>('.jp-OutputArea-output')];
        return {
          prompt: cell.querySelector('.jp-InputPrompt')?.textContent ?? '',
          text: outputs.map((output) => output.textContent).join('\n'),
          failed:
            cell.querySelector('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]') !==
            null,
          shown: outputs.map((output) => output.dataset.mimeType ?? ''),
        };
      }),
    );
  }

  /** How many charts plotly has drawn. */
  drawnCharts(): Promise<number> {
    return this.page.locator('.js-plotly-plot .main-svg .cartesianlayer').count();
  }

  /** The text of the frame of that title, a page within an output. */
  async frameText(title: string): Promise<string | null> {
    return this.page.frameLocator(`iframe[title="${title}"]`).locator('body').textContent();
  }

  /** The computed colour of the first element that `selector` finds. */
  colorOf(selector: string, property: 'color' | 'fill'): Promise<string> {
    return this.page
      .locator(selector)
      .first()
      .evaluate((node, name) => getComputedStyle(node).getPropertyValue(name), property);
  }

  async useTheme(theme: 'JupyterLab Dark' | 'JupyterLab Light'): Promise<void> {
    await this.choose('Settings', 'Theme', theme);
    await this.page
      .locator(`body[data-jp-theme-name="${theme}"]`)
      .waitFor({ state: 'attached', timeout: 10_000 });
    await this.page.waitForTimeout(500);
  }

  /** Saves the page down to the last cell as `test/output/NAME.png`. */
  async screenshot(name: string): Promise<void> {
    const last = await this.page.locator('.jp-Cell').last().boundingBox();
    const height = last ? last.y + last.height + 16 : 900;
    await this.page.screenshot({
      path: join(OUTPUT, `${name}.png`),
      clip: { x: 0, y: 0, width: WIDTH, height },
    });
  }

  async close(): Promise<void> {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }

  private async choose(menu: string, ...items: string[]): Promise<void> {
    await this.page.locator('.lm-MenuBar-itemLabel', { hasText: new RegExp(`^${menu}$`) }).click();
    for (const item of items)
      await this.page
        .locator('.lm-Menu-itemLabel', { hasText: new RegExp(`^${item}$`) })
        .last()
        .click();
  }

  /** What the test sets lives in the test: the server, and with it the user, never hears of it. */
  private async keepSettings(): Promise<void> {
    let kept: string | undefined;
    await this.page.route(/\/lab\/api\/settings\/.*apputils-extension:themes/, async (route) => {
      if (route.request().method() === 'PUT') {
        kept = route.request().postDataJSON().raw;
        await route.fulfill({ status: 204 });
        return;
      }
      const response = await route.fetch();
      const json = await response.json();
      await route.fulfill({ response, json: kept === undefined ? json : { ...json, raw: kept } });
    });
  }
}
