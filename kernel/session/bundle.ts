/** Values as MIME bundles: rich if they say so through `Symbol.for('Jupyter.display')`, else as Node would print them. */
import { inspect } from 'node:util';

export type MimeBundle = Record<string, unknown>;

/** The convention that Deno's kernel and nodejs-polars use. */
const DISPLAY = Symbol.for('Jupyter.display');

// More than this makes a notebook unusable, and its file too.
const MAX_TEXT = 10 * 1024 * 1024;

/** The bundle of `value`. A display that throws, or gives nothing usable, falls back to text. */
export async function toBundle(value: unknown): Promise<MimeBundle> {
  return (await richBundle(value)) ?? { 'text/plain': toText(value) };
}

/** The bundle that `value` itself offers; undefined if it offers none that can be sent. */
export async function richBundle(value: unknown): Promise<MimeBundle | undefined> {
  try {
    const display = (value as { [DISPLAY]?: unknown } | null | undefined)?.[DISPLAY];
    if (typeof display !== 'function') return undefined;
    const bundle: unknown = await display.call(value);
    if (typeof bundle !== 'object' || bundle === null) return undefined;
    // What JSON cannot hold cannot be sent.
    JSON.stringify(bundle);
    return Object.keys(bundle).length > 0 ? (bundle as MimeBundle) : undefined;
  } catch {
    return undefined;
  }
}

export function toText(value: unknown): string {
  try {
    return truncate(inspect(value, { depth: 4 }));
  } catch (error) {
    return `a value that cannot be shown: ${String((error as Error)?.message)}`;
  }
}

function truncate(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  return `${text.slice(0, MAX_TEXT)}\n… ${text.length - MAX_TEXT} more characters`;
}
