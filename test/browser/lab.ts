/** The project's JupyterLab as a user starts it, and notebooks that live in it for the time of a test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = join(__dirname, '../..');
const NOTEBOOKS = join(ROOT, 'notebooks');
/** Screenshots, to be looked at. */
export const OUTPUT = join(ROOT, 'test/output');

export interface Lab {
  /** URL of JupyterLab with the notebook open. */
  urlOf(notebook: string): string;
  stop(): Promise<void>;
}

/**
 * Runs `npm start -- --no-browser` on a free port; resolves when it prints its URL.
 *
 * @param workspace its own, and reset: neither what the user has open nor what another test has is restored
 */
export async function startLab(workspace: string): Promise<Lab> {
  mkdirSync(OUTPUT, { recursive: true });
  const args = [join(ROOT, 'kernel/lab/start.mjs'), '--no-browser', '--port', '0'];
  const server = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const url = new URL(await printedUrl(server));
  return {
    urlOf(notebook) {
      const page = new URL(`/lab/workspaces/${workspace}/tree/${notebook}`, url);
      page.search = `?token=${url.searchParams.get('token')}&reset`;
      return page.href;
    },
    async stop() {
      if (server.exitCode !== null || server.signalCode !== null) return;
      server.kill('SIGTERM');
      await once(server, 'exit');
    },
  };
}

async function printedUrl(server: ChildProcess): Promise<string> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: server.stdout! })) {
    lines.push(line);
    const url = /https?:\/\/\S+token=\S+/.exec(line);
    if (url) {
      server.stdout!.resume();
      return url[0];
    }
  }
  throw new Error(`npm start ended without a URL:\n${lines.join('\n')}`);
}

/** A copy of a notebook beside it, without outputs and with further code cells at its end; gone after `remove`. */
export function copyNotebook(
  name: string,
  moreCells: readonly string[] = [],
): { name: string; remove(): void } {
  const copy = name.replace(/\.ipynb$/, `-browser-test-${process.pid}.ipynb`);
  const path = join(NOTEBOOKS, copy);
  const notebook = JSON.parse(readFileSync(join(NOTEBOOKS, name), 'utf8'));
  for (const cell of notebook.cells)
    if (cell.cell_type === 'code') Object.assign(cell, { outputs: [], execution_count: null });
  for (const [index, source] of moreCells.entries())
    notebook.cells.push({
      cell_type: 'code',
      id: `browser-test-${index}`,
      metadata: {},
      source,
      outputs: [],
      execution_count: null,
    });
  writeFileSync(path, JSON.stringify(notebook));
  const checkpoint = join(NOTEBOOKS, '.ipynb_checkpoints', copy.replace(/\.ipynb$/, '-checkpoint.ipynb'));
  const remove = () => {
    for (const file of [path, checkpoint]) rmSync(file, { force: true });
  };
  return { name: copy, remove };
}
