/** Tables of figures: HTML for a notebook, aligned columns for a terminal. */
import { formatBytes, formatCount, formatDuration } from '../units';
import { escapeHtml, HTML, jupyterDisplay, type MimeBundle, TEXT } from './mime';
import { oneLine } from './wording';

/** What a cell may hold. null and undefined show as a dash. */
export type Cell = string | number | bigint | boolean | null | undefined;

/** How numbers of a column are written: bytes in binary units, milliseconds as a duration, counts with thousands apart. */
export type ColumnUnit = 'text' | 'number' | 'bytes' | 'duration' | 'count' | 'percent';

export interface Column {
  readonly label: string;
  /** Default `text`. */
  readonly unit?: ColumnUnit;
  /** Default: text to the left, everything else to the right. */
  readonly align?: 'left' | 'right';
}

export interface TableOptions {
  readonly caption?: string;
  /** Rows beyond this number are counted, not shown. Default 100. */
  readonly maxRows?: number;
}

/**
 * Rows under labelled columns.
 *
 * @example
 * ```ts
 * const table = new Table(['tag', { label: 'peak', unit: 'bytes' }], [['weights', 3145728]]);
 * String(table); // 'tag         peak\nweights  3.0 MiB'
 * ```
 */
export class Table {
  readonly columns: readonly Column[];

  /** @param columns a column of text may be given as its label alone */
  constructor(
    columns: readonly (Column | string)[],
    readonly rows: readonly (readonly Cell[])[],
    readonly options: TableOptions = {},
  ) {
    this.columns = columns.map((column) => (typeof column === 'string' ? { label: column } : column));
  }

  toHTML(): string {
    const { caption } = this.options;
    const cells = (tag: string, row: readonly string[]) =>
      row
        .map((text, index) => `<${tag}${this.#attributes(tag, index)}>${escapeHtml(text)}</${tag}>`)
        .join('');
    const head = `<thead><tr>${cells(
      'th',
      this.columns.map((column) => column.label),
    )}</tr></thead>`;
    const body = this.#shown().map((row) => `<tr>${cells('td', row)}</tr>`);
    const more = this.#hidden();
    if (more)
      body.push(
        `<tr><td colspan="${this.columns.length}" style="text-align:left">${escapeHtml(more)}</td></tr>`,
      );
    return (
      '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums">' +
      (caption
        ? `<caption style="text-align:left;white-space:nowrap;font-weight:600">${escapeHtml(caption)}</caption>`
        : '') +
      `${head}<tbody>${body.join('')}</tbody></table>`
    );
  }

  toString(): string {
    const rows = [this.columns.map((column) => column.label), ...this.#shown()];
    const widths = this.columns.map((_, index) => Math.max(...rows.map((row) => [...row[index]!].length)));
    const lines = rows.map((row) =>
      row
        .map((text, index) => {
          const space = ' '.repeat(widths[index]! - [...text].length);
          return this.#alignment(index) === 'right' ? space + text : text + space;
        })
        .join('  ')
        .trimEnd(),
    );
    return [this.options.caption, ...lines, this.#hidden()].filter((line) => line !== undefined).join('\n');
  }

  [jupyterDisplay](): MimeBundle {
    return { [HTML]: this.toHTML(), [TEXT]: this.toString() };
  }

  #alignment(index: number): 'left' | 'right' {
    const { align, unit = 'text' } = this.columns[index]!;
    return align ?? (unit === 'text' ? 'left' : 'right');
  }

  #attributes(tag: string, index: number): string {
    const alignment = this.#alignment(index);
    if (tag === 'th') return ` scope="col" style="text-align:${alignment}"`;
    // Beside a long text, a number would be parted from its unit.
    return ` style="text-align:${alignment}${alignment === 'right' ? ';white-space:nowrap' : ''}"`;
  }

  #shown(): string[][] {
    return this.rows
      .slice(0, this.options.maxRows ?? 100)
      .map((row) => this.columns.map((column, index) => formatCell(row[index], column.unit ?? 'text')));
  }

  #hidden(): string | undefined {
    const count = this.rows.length - (this.options.maxRows ?? 100);
    return count > 0 ? `… ${formatCount(count)} more` : undefined;
  }
}

function formatCell(cell: Cell, unit: ColumnUnit): string {
  if (cell === null || cell === undefined || Number.isNaN(cell)) return '–';
  if (typeof cell !== 'number') return oneLine(String(cell));
  if (unit === 'bytes') return formatBytes(cell);
  if (cell === Infinity) return '∞';
  if (cell === -Infinity) return '-∞';
  if (unit === 'duration') return formatDuration(cell);
  if (unit === 'count') return formatCount(cell);
  if (unit === 'percent') return `${(cell * 100).toFixed(1)}%`;
  return Number.isInteger(cell) ? String(cell) : String(Number(cell.toPrecision(4)));
}
