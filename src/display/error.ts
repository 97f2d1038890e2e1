/** An error as a notebook shows it: the sentence, then what the sentence rests on. */
import { escapeHtml, HTML, type MimeBundle, TEXT } from './mime';
import { type Detail, detailOf } from './wording';

/** What is shown of an error; a `HyperionError` is one. */
export interface ShownError {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * The forms of an error. Details whose name ends in `Bytes` or `Ms` are written as sizes and durations.
 *
 * @example
 * ```ts
 * const bundle = errorBundle({ code: 'INVALID', message: 'threads is 0', details: { threads: 0 } });
 * bundle['text/plain']; // 'INVALID: threads is 0\n  threads  0'
 * ```
 */
export function errorBundle({ code, message, details }: ShownError): MimeBundle {
  const entries = Object.entries(details).map(([name, value]) => detailOf(name, value));
  return { [HTML]: errorHtml(code, message, entries), [TEXT]: errorText(code, message, entries) };
}

const FRAME =
  'border-left:4px solid var(--jp-error-color1,#d32f2f);padding:6px 12px;margin:4px 0;' +
  'font-family:var(--jp-ui-font-family,sans-serif)';

function errorHtml(code: string, message: string, details: readonly Detail[]): string {
  const rows = details.map(
    ({ label, text }) =>
      `<tr><th scope="row" style="text-align:left;font-weight:normal">${escapeHtml(label)}</th>` +
      `<td style="text-align:right">${escapeHtml(text)}</td></tr>`,
  );
  const table = rows.length
    ? `<table style="margin:6px 0 0;font-variant-numeric:tabular-nums">${rows.join('')}</table>`
    : '';
  return (
    `<div role="alert" style="${FRAME}"><strong>${escapeHtml(code)}</strong> ` +
    `<span>${escapeHtml(message)}</span>${table}</div>`
  );
}

function errorText(code: string, message: string, details: readonly Detail[]): string {
  const width = Math.max(0, ...details.map(({ label }) => label.length));
  return [
    `${code}: ${message}`,
    ...details.map(({ label, text }) => `  ${label.padEnd(width)}  ${text}`),
  ].join('\n');
}
