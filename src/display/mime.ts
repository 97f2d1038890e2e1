/** MIME bundles: one value in several forms, from which a notebook, an exported page or a terminal takes its best. */

/** Forms of one value by MIME type. */
export type MimeBundle = Record<string, unknown>;

export const PLOTLY = 'application/vnd.plotly.v1+json';
export const SVG = 'image/svg+xml';
export const HTML = 'text/html';
export const TEXT = 'text/plain';

/** The method through which a value shows itself in a notebook; Deno and nodejs-polars use the same symbol. */
export const jupyterDisplay: unique symbol = Symbol.for('Jupyter.display') as never;

/** A value that shows itself. */
export interface Displayable {
  [jupyterDisplay](): MimeBundle | Promise<MimeBundle>;
}

/** Whether `value` shows itself through `Symbol.for('Jupyter.display')`. */
export function isDisplayable(value: unknown): value is Displayable {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    typeof (value as Partial<Displayable>)[jupyterDisplay] === 'function'
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Text made safe between HTML or SVG tags and inside quoted attributes.
 *
 * @example
 * ```ts
 * escapeHtml('a < b'); // 'a &lt; b'
 * ```
 */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** Control characters, halves of pairs and the two non-characters: no XML document may hold them, no terminal should. */
const UNPRINTABLE = /[^\P{Cc}\t\n\r]|\p{Cs}|[\ufffe\uffff]/gu;

/** Text without what neither an XML document nor a terminal should be given. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '');
}
