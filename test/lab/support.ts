/** Runs programs of kernel/lab as a user would, in folders that are removed after the test. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

export const project = path.resolve(__dirname, '../..');

export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'hyperion-lab-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs `node kernel/lab/PROGRAM ARGS` to its end. */
export function lab(program: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const file = path.join(project, 'kernel/lab', program);
  return spawnSync(process.execPath, [file, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });
}

/** A PATH with nothing on it but these shell scripts. */
export function pathWith(scripts: Record<string, string>): string {
  const folder = path.join(temporaryFolder(), 'bin');
  mkdirSync(folder);
  for (const [name, body] of Object.entries(scripts)) {
    writeFileSync(path.join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(path.join(folder, name), 0o755);
  }
  return folder;
}

/** A notebook of TypeScript cells, in a folder of its own. */
export function notebookWith(...cells: string[]): string {
  const file = path.join(temporaryFolder(), 'small.ipynb');
  const code = cells.map((source, index) => ({
    id: `cell-${index}`,
    cell_type: 'code',
    execution_count: null,
    metadata: {},
    outputs: [],
    source,
  }));
  const kernelspec = { name: 'hyperion', display_name: 'TypeScript (Hyperion)', language: 'typescript' };
  const notebook = { cells: code, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
  writeFileSync(file, JSON.stringify(notebook));
  return file;
}
