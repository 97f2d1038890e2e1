/** Golden files: what a figure is, kept beside its test. `UPDATE_GOLDEN=1 npx vitest run test/display` rewrites them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Figure } from '../../src/display';

const FOLDER = join(__dirname, 'golden');

/** Compares both forms of a figure with `golden/NAME.json` and `golden/NAME.svg`. */
export async function expectGolden(name: string, figure: Figure): Promise<void> {
  compare(`${name}.json`, `${JSON.stringify(figure.spec, null, 1)}\n`);
  compare(`${name}.svg`, `${(await figure.toSVG()).replace(/></g, '>\n<')}\n`);
}

function compare(file: string, actual: string): void {
  const path = join(FOLDER, file);
  if (process.env.UPDATE_GOLDEN) writeFileSync(path, actual);
  expect(existsSync(path), `${file} is missing; make it with UPDATE_GOLDEN=1`).toBe(true);
  expect(actual).toBe(readFileSync(path, 'utf8'));
}
