/** A card: facts as label and text, a picture, a table; as HTML in one output, and as text. */
import type { Figure } from './figure';
import { escapeHtml, HTML, type MimeBundle, printable, TEXT } from './mime';
import { INK } from './svg';
import type { Table } from './table';

export interface Card {
  readonly title: string;
  readonly facts: readonly { readonly label: string; readonly text: string }[];
  readonly picture: Figure;
  readonly table: Table;
}

// Plain divisions: notebooks and exported pages have rules of their own for lists of terms.
const FACT = 'padding:6px 12px;border-radius:6px;background:rgba(128,128,128,0.12)';
const LABEL = 'font-size:0.85em;opacity:0.75;text-align:left';
const TEXT_STYLE = 'margin:0;font-size:1.1em;font-weight:600;text-align:left';
const GRID =
  'display:grid;grid-template-columns:repeat(auto-fill,minmax(170px,1fr));gap:8px;margin:8px 0;max-width:820px';

/**
 * The card in both forms. It has no ground and no ink of its own, so that any theme can hold it.
 *
 * @example
 * ```ts
 * const picture = layerBytesFigure([]);
 * const table = new Table(['layer'], [['norm']]);
 * const bundle = await cardBundle({ title: 'tiny', facts: [{ label: 'format', text: 'gguf' }], picture, table });
 * bundle['text/plain']; // 'tiny\n  format  gguf\n\nlayer\nnorm'
 * ```
 */
export async function cardBundle(card: Card): Promise<MimeBundle> {
  const { title, facts, picture, table } = card;
  const cells = facts.map(
    ({ label, text }) =>
      `<div style="${FACT}"><div style="${LABEL}">${escapeHtml(label)}</div><div style="${TEXT_STYLE}">${escapeHtml(text)}</div></div>`,
  );
  const html =
    `<div><div style="font-size:1.2em;font-weight:600">${escapeHtml(title)}</div><div style="${GRID}">${cells.join('')}</div>` +
    `${withoutGround(await picture.toSVG())}<details><summary style="cursor:pointer">layers</summary>${table.toHTML()}</details></div>`;
  return { [HTML]: printable(html), [TEXT]: cardText(card) };
}

/** The card as text. */
export function cardText({ title, facts, table }: Pick<Card, 'title' | 'facts' | 'table'>): string {
  const width = Math.max(0, ...facts.map(({ label }) => label.length));
  const lines = facts.map(({ label, text }) => `  ${label.padEnd(width)}  ${text}`);
  return printable([title, ...lines, '', table.toString()].join('\n'));
}

/** Ink on white becomes whatever the page writes with, on its ground. */
function withoutGround(svg: string): string {
  return svg
    .replaceAll(INK, 'currentColor')
    .replaceAll('background: white', 'background: transparent')
    .replaceAll('background:white', 'background:transparent');
}
