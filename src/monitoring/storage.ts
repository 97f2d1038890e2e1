/** What the kernel counts of a process's reads from storage. */
import { readFileSync } from 'node:fs';

/**
 * Bytes that this process had fetched from storage so far, by direct reads, by buffered ones that missed the page cache, and by
 * touching mapped pages; null where the kernel does not count them.
 */
export function storageBytesRead(): number | null {
  try {
    const bytes = /^read_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1];
    return bytes === undefined ? null : Number(bytes);
  } catch {
    return null;
  }
}
