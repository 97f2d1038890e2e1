/** Sizes, times and counts as text, and text as sizes. Inside the project a size is a number of bytes. */
import { HyperionError } from './errors';

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
};
const SIZE = /^\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*$/i;

/**
 * Reads a size: a number of bytes, or text with a unit, binary (`KiB`, `MiB`, `GiB`, `TiB`) or decimal (`kB`, `MB`,
 * `GB`, `TB`), in any case, with or without a space.
 *
 * @param name how the message calls the size, e.g. `budget`
 * @returns whole bytes, from 1 to 2^53 - 1
 * @throws HyperionError `INVALID` when it is not a size, or not positive
 * @example
 * ```ts
 * parseSize('64 MiB'); // 67108864
 * parseSize('1.5GB'); // 1500000000
 * parseSize(4096); // 4096
 * ```
 */
export function parseSize(size: string | number, name = 'size'): number {
  const bytes = Math.round(typeof size === 'number' ? size : readText(size));
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  const shown = typeof size === 'string' ? `'${size}'` : String(size);
  const limit = Number.isFinite(bytes)
    ? `must be from 1 byte to ${Number.MAX_SAFE_INTEGER} bytes`
    : 'is not a size';
  throw new HyperionError(
    'INVALID',
    `${name} ${shown} ${limit}; write it like '512 MiB', '1.5 GiB' or 1048576`,
  );
}

function readText(text: unknown): number {
  const match = typeof text === 'string' ? SIZE.exec(text) : null;
  const unit = match && UNITS[match[2]!.toLowerCase() || 'b'];
  return unit ? Number(match[1]) * unit : Number.NaN;
}

/**
 * Bytes as text in the largest binary unit that keeps the number at 1 or above.
 *
 * @example
 * ```ts
 * formatBytes(67108864); // '64.0 MiB'
 * formatBytes(512); // '512 B'
 * ```
 */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return bytes > 0 ? 'unlimited' : String(bytes);
  if (Math.abs(bytes) < 1023.5) return `${Math.round(bytes)} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes / 1024;
  let unit = 0;
  // 1023.95 would be shown as 1024.0: it belongs to the next unit.
  while (Math.abs(value) >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

/**
 * Milliseconds as text, in the unit a reader would choose.
 *
 * @example
 * ```ts
 * formatDuration(0.25); // '0.25 ms'
 * formatDuration(1234); // '1.23 s'
 * formatDuration(125_000); // '2 min 5 s'
 * ```
 */
export function formatDuration(ms: number): string {
  if (ms < 9.995) return `${ms.toFixed(2)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * A whole number with its thousands set apart.
 *
 * @example
 * ```ts
 * formatCount(1100048384); // '1,100,048,384'
 * ```
 */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}
