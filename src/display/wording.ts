/** Small words around numbers: counts with their nouns, shares, labels from names of fields, and names cut to fit. */
import { formatBytes, formatCount, formatDuration } from '../units';

/** `2 loads`, `1 load`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** The value in words; a dash where it is no number. */
export function shown(value: number | null | undefined, format: (value: number) => string): string {
  return typeof value === 'number' && Number.isFinite(value) ? format(value) : '–';
}

/** A share from 0 to 1 in whole percent; a dash where there is none. */
export function percent(share: number | null | undefined): string {
  return shown(share, (value) => `${Math.round(value * 100)}%`);
}

/** The text, or as much of it as fits into `length` characters, with an ellipsis. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  const characters = [...text.slice(0, 2 * length)];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

/** A number with three digits: enough for a weight. */
export function signed(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** Text without its line breaks and tabs: it stays in its line, and in its column. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}

/** A field of an object in words. */
export interface Detail {
  readonly label: string;
  readonly text: string;
}

/** `smallestBudgetBytes: 3145728` reads as `smallest budget` `3.0 MiB`; names in `Ms` are durations, other numbers have four digits. */
export function detailOf(name: string, value: unknown): Detail {
  const [, stem, unit] = /^(.+?)(Bytes|Ms)?$/s.exec(name) ?? ['', name];
  const label = stem!.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  if (typeof value !== 'number') return { label, text: String(value) };
  if (!unit) return { label, text: String(Number.isInteger(value) ? value : Number(value.toPrecision(4))) };
  return { label, text: unit === 'Bytes' ? formatBytes(value) : formatDuration(value) };
}
