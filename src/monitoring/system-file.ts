/** What Linux tells in files under /proc and /sys, as text. Elsewhere there are none, and nothing is told. */
import { readFileSync } from 'node:fs';

/** The text of a file, or null where it cannot be read. */
export function readSystemFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The number that `pattern` captures in `text`, or null where it captures none. */
export function numberIn(text: string | null, pattern: RegExp): number | null {
  const digits = pattern.exec(text ?? '')?.[1];
  return digits === undefined ? null : Number(digits);
}

/** A line `field:  12 kB` in bytes, or null where there is none. What is called kB there has always been 1024 bytes. */
export function kilobytesIn(text: string | null, field: string): number | null {
  const kilobytes = numberIn(text, new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm'));
  return kilobytes === null ? null : kilobytes * 1024;
}
